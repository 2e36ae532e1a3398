"""What surrounds every request: the last line of defence, and bodies that are too large."""

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


def test_a_bug_is_answered_500_without_internals_and_logged_with_its_stack(
    client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    async def break_(_: Request) -> None:
        raise LookupError("the inside of the service")

    client.app.add_api_route("/broken", break_)
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
    assert "in break_" in line["exception"]
    assert "LookupError: the inside of the service" in line["exception"]
    assert client.get("/").status_code == 200


def test_a_bug_after_the_answer_has_begun_breaks_it_off_and_is_logged(
    app: FastAPI, log_lines: list[dict[str, Any]]
) -> None:
    class Broken(Response):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise LookupError("too late")

    async def break_(_: Request) -> Response:
        return Broken()

    app.add_api_route("/broken", break_)
    with pytest.raises(LookupError):
        Exchange(app, "GET", "/broken").run([])
    (line,) = log_lines
    assert (line["level"], line["status"]) == ("ERROR", 200)
    assert "LookupError: too late" in line["exception"]


def test_a_client_that_goes_away_is_no_error_of_ours(
    app: FastAPI, authorization: str, log_lines: list[dict[str, Any]]
) -> None:
    exchange = Exchange(app, "POST", "/predict", authorization=authorization).run([CHUNK] * 3)
    assert exchange.status == 0
    (line,) = log_lines
    assert (line["level"], line["status"]) == ("INFO", 499)
    assert "exception" not in line


@pytest.mark.parametrize("content_type", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_a_huge_body_is_answered_413_and_not_read_to_its_end(
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
def test_a_refused_body_is_read_before_the_answer_so_that_it_arrives(
    app: FastAPI, path: str, status: int
) -> None:
    exchange = Exchange(app, "POST", path).run([CHUNK] * 20)
    assert (exchange.status, exchange.received) == (status, 20 * len(CHUNK))


def test_an_announced_body_over_the_limit_is_read_before_the_answer(app: FastAPI) -> None:
    exchange = Exchange(app, "POST", "/predict", content_length=str(LIMIT + 1))
    exchange.run([CHUNK] * 62)
    assert (exchange.status, exchange.received) == (413, 62 * len(CHUNK))


def test_who_waits_for_the_answer_before_sending_gets_it_at_once(app: FastAPI) -> None:
    headers = {"content_length": str(LIMIT + 1), "expect": "100-continue"}
    exchange = Exchange(app, "POST", "/predict", **headers).run([CHUNK] * 62)
    assert (exchange.status, exchange.received) == (413, 0)


@pytest.mark.parametrize("announced", ["1", "-1", "many", "²", ""])
def test_a_content_length_that_lies_does_not_help(
    app: FastAPI, authorization: str, announced: str
) -> None:
    headers = {"authorization": authorization, "content_length": announced}
    exchange = Exchange(app, "POST", "/predict", **headers).run([CHUNK] * 100)
    assert exchange.status == 413
