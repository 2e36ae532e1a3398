from pathlib import Path
from traceback import format_exception

import pytest

from frontend.settings import NotConfigured, Settings, load_settings

PASSWORD = "a-password-that-must-not-leak"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_USERNAME", "me")
    monkeypatch.setenv("API_PASSWORD", PASSWORD)


def test_credentials_are_all_that_must_be_set(credentials: None) -> None:
    settings = load_settings({})

    assert settings.api_url == "http://127.0.0.1:8000"
    assert settings.api_username == "me"
    assert settings.api_password.get_secret_value() == PASSWORD
    assert settings.page_title == "Landscape Classifier"


def test_env_file_is_read_and_the_keys_of_others_in_it_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        f"API_USERNAME=me\nAPI_PASSWORD={PASSWORD}\nMODEL_URI=models/x\nPAGE_TITLE=Wälder\n",
        encoding="utf-8",
    )

    settings = load_settings({})

    assert settings.api_password.get_secret_value() == PASSWORD
    assert settings.page_title == "Wälder"


def test_streamlit_secrets_come_first_and_may_hold_more_than_the_settings(
    credentials: None,
) -> None:
    secrets = {"API_URL": "https://api.example.com/", "API_PASSWORD": 123456789012, "auth": {}}

    settings = load_settings(secrets)

    assert settings.api_url == "https://api.example.com"
    assert settings.api_username == "me"
    assert settings.api_password.get_secret_value() == "123456789012"


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(NotConfigured) as caught:
        load_settings({})

    assert caught.value.problems == ("API_USERNAME is not set.", "API_PASSWORD is not set.")


def test_an_empty_value_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_USERNAME", "me")
    monkeypatch.setenv("API_PASSWORD", "")

    with pytest.raises(NotConfigured, match=r"^API_PASSWORD is not set\.$"):
        load_settings({"API_PASSWORD": ""})


@pytest.mark.parametrize("address", ["example.com", "ftp://example.com", "http://", "http://["])
def test_an_address_that_is_not_of_the_web_is_refused(
    credentials: None, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("API_URL", address)

    with pytest.raises(NotConfigured, match=r"^API_URL "):
        load_settings({})


def test_an_address_with_credentials_is_refused_without_repeating_them(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", f"http://me:{PASSWORD}@example.com")

    with pytest.raises(NotConfigured) as caught:
        load_settings({})

    assert "API_URL must not hold a user name or password" in str(caught.value)
    assert PASSWORD not in "".join(format_exception(caught.value))


def test_the_password_is_in_no_message_and_no_representation(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PASSWORD not in repr(load_settings({})) + str(load_settings({}).model_dump())
    monkeypatch.delenv("API_USERNAME")

    with pytest.raises(NotConfigured) as caught:
        load_settings({})

    assert PASSWORD not in "".join(format_exception(caught.value))


DESCRIPTIONS = '{"rose": {"icon": "local_florist", "description": "A rose."}}'


def test_classes_are_described_in_the_environment_as_json(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASS_DESCRIPTIONS", DESCRIPTIONS)

    assert load_settings({}).class_descriptions["rose"].icon == "local_florist"


@pytest.mark.parametrize(
    "given", [DESCRIPTIONS, {"rose": {"icon": "local_florist", "description": "A rose."}}]
)
def test_classes_are_described_in_the_secrets_as_json_or_as_a_table(
    credentials: None, given: object
) -> None:
    settings = load_settings({"CLASS_DESCRIPTIONS": given})

    assert settings.class_descriptions["rose"].description == "A rose."


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("A rose.", "CLASS_DESCRIPTIONS must be a JSON object"),
        ('["rose"]', "CLASS_DESCRIPTIONS must be a JSON object"),
        ('{"rose": "A rose."}', "CLASS_DESCRIPTIONS: rose must be an object with an icon"),
        ('{"rose": {"icon": 1}}', r"CLASS_DESCRIPTIONS: rose\.icon must be a text"),
        ('{"rose": {"icon": "<b>"}}', r"CLASS_DESCRIPTIONS: rose\.icon must be a name"),
        ('{"rose": {"colour": "red"}}', r"CLASS_DESCRIPTIONS: rose\.colour is neither icon"),
        (f'{{"rose": {{"description": "{"long " * 99}"}}}}', r"rose\.description is too long"),
    ],
)
def test_descriptions_that_are_none_are_named(
    credentials: None, monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    monkeypatch.setenv("CLASS_DESCRIPTIONS", value)

    with pytest.raises(NotConfigured, match=words):
        load_settings({})


def test_settings_cannot_be_changed_after_the_start(credentials: None) -> None:
    settings: Settings = load_settings({})

    with pytest.raises(ValueError, match="frozen"):
        settings.api_url = "http://elsewhere"
