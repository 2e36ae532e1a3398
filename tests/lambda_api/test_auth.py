"""HTTP Basic authentication, and its order in a request."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.settings import Settings
from tests.lambda_api.asgi import Exchange, basic

MULTIPART = "multipart/form-data; boundary=x"


def anonymous(settings: Settings, loaded_model: LoadedModel) -> TestClient:
    return TestClient(create_app(settings, loaded_model=loaded_model))


def predict(client: TestClient, photo: bytes, authorization: str | bytes | None) -> int:
    """Return the status of the response. Checks the headers and body of a 401."""
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post("/predict", content=photo, headers=headers)
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith(":unauthorized")
    return answer.status_code


def test_right_credentials_are_accepted(client: TestClient, photo: bytes) -> None:
    assert client.post("/predict", content=photo).status_code == 200


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic "])
def test_scheme_is_case_insensitive(
    settings: Settings,
    loaded_model: LoadedModel,
    photo: bytes,
    credentials: tuple[str, str],
    scheme: str,
) -> None:
    encoded = basic(":".join(credentials)).removeprefix("Basic")
    assert predict(anonymous(settings, loaded_model), photo, scheme + encoded) == 200


USERNAME, PASSWORD = "anna", "grüß:Gott:世界-7"


@pytest.fixture
def stranger(settings: Settings, loaded_model: LoadedModel) -> TestClient:
    """A client without credentials, for a password with colons and non-ASCII letters."""
    changed = settings.model_dump() | {"api_username": USERNAME, "api_password": PASSWORD}
    return anonymous(Settings(**changed), loaded_model)


def test_a_password_may_have_colons_and_any_letters(stranger: TestClient, photo: bytes) -> None:
    assert predict(stranger, photo, basic(f"{USERNAME}:{PASSWORD}")) == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ",
        basic(""),
        basic(":"),
        basic(f"{USERNAME}:"),
        basic(f":{PASSWORD}"),
        basic(f"{USERNAME}{PASSWORD}"),
        basic(f"{USERNAME}:{PASSWORD} "),
        basic(f"{USERNAME.title()}:{PASSWORD}"),
        basic(f"{USERNAME}:gruss:Gott"),
        basic(f"{USERNAME}:grüß:Gott", "latin-1"),
        basic(f"{USERNAME}:{PASSWORD}", "utf-16"),
        basic(f"{USERNAME}:{PASSWORD}") + "?",
        basic(f"{USERNAME}:{PASSWORD}")[:-3],
        basic(f"{USERNAME}:{PASSWORD}").replace("Basic", "Bearer"),
        basic(f"{USERNAME}:{PASSWORD}").replace("Basic ", ""),
        f"Basic {USERNAME}:{PASSWORD}".encode(),
        b"Basic \xff\xfe",
        "Digest username=anna",
    ],
)
def test_other_credentials_get_401(
    stranger: TestClient, photo: bytes, authorization: str | bytes | None
) -> None:
    assert predict(stranger, photo, authorization) == 401


def test_open_routes_need_no_credentials(settings: Settings, loaded_model: LoadedModel) -> None:
    client = anonymous(settings, loaded_model)
    for path in ("/", "/health", "/docs", "/openapi.json"):
        answer = client.get(path, headers={"Authorization": "Basic wrong"})
        assert answer.status_code == 200, path


def test_credentials_are_checked_before_the_request(
    settings: Settings, loaded_model: LoadedModel
) -> None:
    headers = {"Content-Type": MULTIPART}

    answer = anonymous(settings, loaded_model).post(
        "/predict?top_k=0", content=b"?", headers=headers
    )

    assert answer.status_code == 401


def test_credentials_are_checked_before_the_body_is_read(
    settings: Settings, loaded_model: LoadedModel
) -> None:
    exchange = Exchange(
        create_app(settings, loaded_model=loaded_model), "POST", "/predict", expect="100-continue"
    ).run([b"\xff" * 1000] * 3)
    assert (exchange.status, exchange.received) == (401, 0)


def test_credentials_are_checked_before_a_missing_model(
    settings: Settings, tmp_path: Path, photo: bytes
) -> None:
    missing = LoadedModel.load(str(tmp_path / "none"), tmp_path, configured_logger(None))
    assert predict(anonymous(settings, missing), photo, None) == 401
