"""Middleware: unexpected errors and large bodies."""

from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from tests.lambda_api.asgi import Exchange, basic

LIMIT = 4_000_000
CHUNK = bytes(64 * 1024)


@pytest.fixture
def app(settings: Settings, loaded_model: LoadedModel) -> FastAPI:
    return create_app(settings, loaded_model=loaded_model)


@pytest.fixture
def authorization(credentials: tuple[str, str]) -> str:
    return basic(":".join(credentials))


def test_unexpected_error_gets_500_and_is_logged(
    client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    async def fail(_: Request) -> None:
        raise LookupError("the inside of the service")

    client.app.add_api_route("/broken", fail)
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:landscape-classifier:problem:internal-error",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong on our side.",
        "request_id": answer.headers["X-Request-ID"],
    }
    (line,) = log_lines
    assert (line["level"], line["message"], line["status"]) == ("ERROR", "request", 500)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["exception_name"] == "LookupError"
    assert "in fail" in line["exception"]
    assert "LookupError: the inside of the service" in line["exception"]
    assert client.get("/").status_code == 200


def test_error_after_the_response_started_aborts_it(
    app: FastAPI, log_lines: list[dict[str, Any]]
) -> None:
    class Broken(Response):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise LookupError("too late")

    async def fail(_: Request) -> Response:
        return Broken()

    app.add_api_route("/broken", fail)
    with pytest.raises(LookupError):
        Exchange(app, "GET", "/broken").run([])

    (line,) = log_lines

    assert (line["level"], line["status"]) == ("ERROR", 200)
    assert "LookupError: too late" in line["exception"]


def test_client_disconnect_is_not_logged_as_an_error(
    app: FastAPI, authorization: str, log_lines: list[dict[str, Any]]
) -> None:
    exchange = Exchange(app, "POST", "/predict", authorization=authorization).run([CHUNK] * 3)
    assert exchange.status == 0
    (line,) = log_lines
    assert (line["level"], line["status"]) == ("INFO", 499)
    assert "exception" not in line


@pytest.mark.parametrize("content_type", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_huge_body_gets_413_before_its_end(
    app: FastAPI, authorization: str, content_type: str
) -> None:
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    headers = {"authorization": authorization, "content_type": content_type}

    exchange = Exchange(app, "POST", "/predict", **headers).run([start] + [CHUNK] * 1000)

    assert exchange.status == 413
    assert 4 * LIMIT <= exchange.received <= 4 * LIMIT + len(CHUNK)


@pytest.mark.parametrize(
    ("path", "status"), [("/predict", 401), ("/nothing", 404), ("/health", 405)]
)
def test_rejected_body_is_read_before_the_response(app: FastAPI, path: str, status: int) -> None:
    exchange = Exchange(app, "POST", path).run([CHUNK] * 20)
    assert (exchange.status, exchange.received) == (status, 20 * len(CHUNK))


def test_declared_body_over_the_limit_is_read_before_the_response(app: FastAPI) -> None:
    exchange = Exchange(app, "POST", "/predict", content_length=str(LIMIT + 1))

    exchange.run([CHUNK] * 62)

    assert (exchange.status, exchange.received) == (413, 62 * len(CHUNK))


def test_expect_header_gets_an_immediate_response(app: FastAPI) -> None:
    headers = {"content_length": str(LIMIT + 1), "expect": "100-continue"}

    exchange = Exchange(app, "POST", "/predict", **headers).run([CHUNK] * 62)

    assert (exchange.status, exchange.received) == (413, 0)


@pytest.mark.parametrize("announced", ["1", "-1", "many", "²", ""])
def test_wrong_content_length_does_not_bypass_the_limit(
    app: FastAPI, authorization: str, announced: str
) -> None:
    headers = {"authorization": authorization, "content_length": announced}

    exchange = Exchange(app, "POST", "/predict", **headers).run([CHUNK] * 100)

    assert exchange.status == 413
