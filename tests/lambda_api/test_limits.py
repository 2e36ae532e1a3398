"""Request limits, security headers and CORS."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.classifier import Classifier
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from lambda_api.web.limits import MAX_HEADER_BYTES
from tests.lambda_api.asgi import Exchange, basic

Make = Callable[..., FastAPI]


@pytest.fixture
def make_app(settings: Settings, loaded_model: LoadedModel) -> Make:
    return lambda **changed: create_app(
        settings.model_copy(update=changed), loaded_model=loaded_model
    )


@pytest.fixture
def authorization(credentials: tuple[str, str]) -> str:
    return basic(":".join(credentials))


@pytest.mark.parametrize(("size", "status"), [(15_000, 200), (MAX_HEADER_BYTES, 431)])
def test_size_of_headers_is_limited(client: TestClient, size: int, status: int) -> None:
    answer = client.get("/health", headers={"Cookie": "x" * size})
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["type"].endswith(":headers-too-large")


def test_many_small_headers_count_together(client: TestClient) -> None:
    headers = {f"x-{i}": "y" * 10 for i in range(1200)}
    assert client.get("/", headers=headers).status_code == 431


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n%b\r\n\r\ny\r\n'


@pytest.mark.parametrize(
    "headers",
    [b"X-Long: " + b"y" * 10_000, b"\r\n".join(b"X-%d: y" % i for i in range(100))],
    ids=["long", "many"],
)
def test_a_parts_headers_are_limited_too(client: TestClient, headers: bytes) -> None:
    content_type = {"Content-Type": "multipart/form-data; boundary=x"}

    answer = client.post("/predict", content=PART % headers + b"--x--\r\n", headers=content_type)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":bad-request")


def slow(app: FastAPI, authorization: str, path: str, **headers: str) -> Exchange:
    """Send a few bytes of a body, then wait for the response."""
    exchange = Exchange(app, "POST", path, authorization=authorization, **headers)

    async def run() -> None:
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": b"\xff\xd8\xff", "more_body": True}
            return await asyncio.Future()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                exchange.body += message["body"]

        await app(exchange.scope, receive, send)

    asyncio.run(run())
    return exchange


@pytest.mark.parametrize("content_type", ["image/jpeg", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain", "/uploads", "/nothing"])
def test_late_body_gets_408(
    make_app: Make, authorization: str, path: str, content_type: str
) -> None:
    app = make_app(request_timeout_s=0.3)

    exchange = slow(app, authorization, path, content_type=content_type)

    assert exchange.status == 408
    assert b":request-timeout" in exchange.body
    assert exchange.headers["connection"] == "close"
    assert exchange.headers["x-request-id"]


def test_slow_work_gets_503_and_the_service_stays_available(
    make_app: Make,
    credentials: tuple[str, str],
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    log_lines: list[dict[str, Any]],
) -> None:
    ended = threading.Event()

    def classify(self: Classifier, data: bytes) -> None:
        ended.wait(30)

    monkeypatch.setattr(Classifier, "classify", classify)
    client = TestClient(make_app(request_timeout_s=1))
    answer = client.post("/predict", content=photo, auth=credentials)
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":out-of-time")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/health").status_code == 200
    assert log_lines[0]["status"] == 503
    ended.set()


def test_other_timeouts_get_500(client: TestClient) -> None:
    async def break_(_: Request) -> None:
        raise TimeoutError("of a socket")

    client.app.add_api_route("/broken", break_)

    assert client.get("/broken").status_code == 500


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/health", 200),
        ("GET", "/docs", 200),
        ("GET", "/model", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/predict", 405),
        ("POST", "/predict", 400),
    ],
)
def test_every_response_has_security_headers(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert len(headers.get_list("Content-Security-Policy")) == 1


def test_https_response_has_strict_transport_security(
    settings: Settings, loaded_model: LoadedModel
) -> None:
    client = TestClient(
        create_app(settings, loaded_model=loaded_model), base_url="https://testserver"
    )
    assert "max-age=" in client.get("/").headers["Strict-Transport-Security"]


PREFLIGHT = {
    "Origin": "https://page.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
}


def test_other_origins_are_rejected_by_default(client: TestClient) -> None:
    answer = client.get("/health", headers={"Origin": "https://page.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.options("/predict", headers=PREFLIGHT).status_code == 405


def test_configured_origin_is_allowed(make_app: Make) -> None:
    client = TestClient(make_app(cors_origins=("https://page.example",)))
    allowed = client.options("/predict", headers=PREFLIGHT)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://page.example"
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    other = {**PREFLIGHT, "Origin": "https://page.example.evil"}
    assert client.options("/predict", headers=other).status_code == 400
    answer = client.post("/predict", headers={"Origin": "https://page.example"})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
