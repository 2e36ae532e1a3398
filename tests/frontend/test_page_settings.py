from pathlib import Path
from traceback import format_exception

import pytest

from frontend.settings import NotConfigured, Settings, load_settings

PASSWORD = "a-password-that-must-not-leak"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_USERNAME", "me")
    monkeypatch.setenv("API_PASSWORD", PASSWORD)


def test_only_credentials_are_required(credentials: None) -> None:
    settings = load_settings({})

    assert settings.api_url == "http://127.0.0.1:8000"
    assert settings.api_username == "me"
    assert settings.api_password.get_secret_value() == PASSWORD
    assert settings.page_title == "Landscape Classifier"


def test_env_file_is_read_and_unknown_names_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        f"API_USERNAME=me\nAPI_PASSWORD={PASSWORD}\nMODEL_URI=models/x\nPAGE_TITLE=Wälder\n",
        encoding="utf-8",
    )

    settings = load_settings({})

    assert settings.api_password.get_secret_value() == PASSWORD
    assert settings.page_title == "Wälder"


def test_secrets_take_precedence_and_may_contain_other_names(credentials: None) -> None:
    secrets = {"API_URL": "https://api.example.com/", "API_PASSWORD": 123456789012, "auth": {}}

    settings = load_settings(secrets)

    assert settings.api_url == "https://api.example.com"
    assert settings.api_username == "me"
    assert settings.api_password.get_secret_value() == "123456789012"


def test_all_missing_settings_are_named_at_once() -> None:
    with pytest.raises(NotConfigured) as caught:
        load_settings({})

    assert caught.value.problems == ("API_USERNAME is not set.", "API_PASSWORD is not set.")


def test_empty_value_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_USERNAME", "me")
    monkeypatch.setenv("API_PASSWORD", "")

    with pytest.raises(NotConfigured, match=r"^API_PASSWORD is not set\.$"):
        load_settings({"API_PASSWORD": ""})


@pytest.mark.parametrize("address", ["example.com", "ftp://example.com", "http://", "http://["])
def test_invalid_api_url_is_rejected(
    credentials: None, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("API_URL", address)

    with pytest.raises(NotConfigured, match=r"^API_URL "):
        load_settings({})


def test_api_url_with_credentials_is_rejected_without_quoting_them(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", f"http://me:{PASSWORD}@example.com")

    with pytest.raises(NotConfigured) as caught:
        load_settings({})

    assert "API_URL must not contain credentials" in str(caught.value)
    assert PASSWORD not in "".join(format_exception(caught.value))


def test_password_is_in_no_message_and_no_representation(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PASSWORD not in repr(load_settings({})) + str(load_settings({}).model_dump())
    monkeypatch.delenv("API_USERNAME")

    with pytest.raises(NotConfigured) as caught:
        load_settings({})

    assert PASSWORD not in "".join(format_exception(caught.value))


DESCRIPTIONS = '{"rose": {"icon": "local_florist", "description": "A rose."}}'


def test_descriptions_in_the_environment_are_json(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASS_DESCRIPTIONS", DESCRIPTIONS)

    assert load_settings({}).class_descriptions["rose"].icon == "local_florist"


@pytest.mark.parametrize(
    "configured", [DESCRIPTIONS, {"rose": {"icon": "local_florist", "description": "A rose."}}]
)
def test_descriptions_in_the_secrets_are_json_or_a_table(
    credentials: None, configured: object
) -> None:
    settings = load_settings({"CLASS_DESCRIPTIONS": configured})

    assert settings.class_descriptions["rose"].description == "A rose."


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("A rose.", "CLASS_DESCRIPTIONS must be a JSON object"),
        ('["rose"]', "CLASS_DESCRIPTIONS must be a JSON object"),
        ('{"rose": "A rose."}', "CLASS_DESCRIPTIONS: rose must be an object with an icon"),
        ('{"rose": {"icon": 1}}', r"CLASS_DESCRIPTIONS: rose\.icon must be a string"),
        (
            '{"rose": {"icon": "<b>"}}',
            r"CLASS_DESCRIPTIONS: rose\.icon must be a Material Symbols name",
        ),
        ('{"rose": {"color": "red"}}', r"CLASS_DESCRIPTIONS: rose\.color is not allowed"),
        (f'{{"rose": {{"description": "{"long " * 99}"}}}}', r"rose\.description is too long"),
    ],
)
def test_invalid_descriptions_are_rejected(
    credentials: None, monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    monkeypatch.setenv("CLASS_DESCRIPTIONS", value)

    with pytest.raises(NotConfigured, match=message):
        load_settings({})


def test_settings_are_immutable(credentials: None) -> None:
    settings: Settings = load_settings({})

    with pytest.raises(ValueError, match="frozen"):
        settings.api_url = "http://elsewhere"
