"""Settings from the environment or `.env`, and error messages without secrets."""

from pathlib import Path

import pytest

from lambda_api.settings import BUNDLED_MODEL, Settings, SettingsError, load_settings

GOOD = {"API_USERNAME": "anna", "API_PASSWORD": "kX8-w2m.Pq41"}
NAMES = tuple(field.upper() for field in Settings.model_fields)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def set_(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_username_and_password_are_sufficient(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, **GOOD)

    settings = load_settings()

    assert settings.api_username == "anna"
    assert settings.api_password.get_secret_value() == GOOD["API_PASSWORD"]
    assert settings.model_uri == str(BUNDLED_MODEL)
    assert settings.log_dir is None
    assert settings.max_body_bytes == 4_000_000


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, **GOOD, MODEL_URI="models/x", LOG_DIR="logs", MAX_BODY_BYTES="1000")
    set_(
        monkeypatch,
        API_USERS='{"bert": "wO5/z7n,Lr23"}',
        CORS_ORIGINS="https://page.example http://localhost:8501",
        UPLOAD_BUCKET="pictures",
        UPLOAD_PREFIX="in/coming/",
    )

    settings = load_settings()

    assert settings.passwords() == {"anna": GOOD["API_PASSWORD"], "bert": "wO5/z7n,Lr23"}
    assert settings.cors_origins == ("https://page.example", "http://localhost:8501")
    assert (settings.upload_bucket, settings.upload_prefix) == ("pictures", "in/coming/")
    assert (settings.model_uri, settings.log_dir) == ("models/x", Path("logs"))
    assert settings.max_body_bytes == 1000


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"API_PASSWORD": ""}, "API_PASSWORD: Field required"),
        ({"API_PASSWORD": "kX8-w2m.Pq4"}, "API_PASSWORD: .*at least 12 characters"),
        ({"API_PASSWORD": "aaaaaaaaaaaaaaaa"}, "API_PASSWORD: .*a common password or a pattern"),
        ({"API_PASSWORD": "abababababababab"}, "API_PASSWORD: .*a common password or a pattern"),
        ({"API_PASSWORD": "ChangeMe-1234567"}, "API_PASSWORD: .*a common password or a pattern"),
        ({"API_PASSWORD": "change-me-please"}, "API_PASSWORD: .*a common password or a pattern"),
        ({"API_PASSWORD": "password12345678"}, "API_PASSWORD: .*a common password or a pattern"),
        ({"API_USERNAME": ""}, "API_USERNAME: Field required"),
        ({"API_USERNAME": "an:na-secret"}, "API_USERNAME: .*match pattern"),
        ({"API_USERS": "anna:secret"}, "API_USERS: .*line 1 column 1"),
        ({"API_USERS": '{"bert": "short"}'}, "API_USERS: bert: .*at least 12 characters"),
        ({"API_PASSWORD": "scrypt$1$2$3$a$b"}, "API_PASSWORD: is a damaged hash"),
        ({"AUTH_SECRET_ARN": "arn:aws:x"}, "AUTH_SECRET_ARN: replaces API_USERNAME"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS: 0: .*match pattern"),
        ({"CORS_ORIGINS": "https://page.example/path"}, "CORS_ORIGINS: 0: .*match pattern"),
        ({"UPLOAD_PREFIX": "uploads"}, "UPLOAD_PREFIX: .*match pattern"),
        ({"REQUEST_TIMEOUT_S": "0"}, "REQUEST_TIMEOUT_S: .*greater than 0"),
        ({"MAX_BODY_BYTES": "0"}, "MAX_BODY_BYTES: .*greater than 0"),
        ({"MAX_BODY_BYTES": "4 MB of it"}, "MAX_BODY_BYTES: .*valid integer"),
    ],
)
def test_invalid_settings_are_named_without_values(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], reason: str
) -> None:
    set_(monkeypatch, **GOOD | changed)

    with pytest.raises(SettingsError, match=reason) as caught:
        load_settings()

    assert caught.value.__cause__ is None
    for value in (*changed.values(), GOOD["API_PASSWORD"]):
        assert len(value) < 2 or value not in str(caught.value)


def test_all_invalid_settings_are_named() -> None:
    with pytest.raises(SettingsError, match=r"(?s)API_USERNAME.*API_PASSWORD"):
        load_settings()


def test_dotenv_is_read_and_unknown_names_are_ignored(
    tmp_path: Path,
) -> None:
    lines = [*(f"{name}='{value}'" for name, value in GOOD.items()), "PAGE_PORT=8501", "X=1"]
    (tmp_path / ".env").write_text("\n".join(lines))

    settings = load_settings()

    assert settings.api_username == "anna"
    assert settings.api_password.get_secret_value() == GOOD["API_PASSWORD"]


def test_environment_overrides_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_USERNAME=other\nMAX_BODY_BYTES=7\n")
    set_(monkeypatch, **GOOD)

    settings = load_settings()

    assert (settings.api_username, settings.max_body_bytes) == ("anna", 7)


def test_empty_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, **GOOD, MODEL_URI="", LOG_DIR="", MAX_BODY_BYTES="")

    settings = load_settings()

    assert (settings.model_uri, settings.log_dir) == (str(BUNDLED_MODEL), None)


def test_settings_do_not_show_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, **GOOD)

    settings = load_settings()

    assert GOOD["API_PASSWORD"] not in f"{settings!r} {settings} {settings.model_dump_json()}"
