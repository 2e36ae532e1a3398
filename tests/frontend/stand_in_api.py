"""A stand-in for the API: an HTTP server with its contract and configurable responses."""

import base64
import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

USERNAME = "tester"
PASSWORD = "a-password-that-must-not-leak"
CLASSES = ("buildings", "forest", "glacier", "mountain", "sea", "street")

HEALTHY = {
    "status": "ok",
    "model": {"name": "intel-scenes", "version": "1a2b3c4d5e6f", "sha256": "0" * 64},
    "classes": CLASSES,
    "load_ms": 21.4,
    "uptime_s": 754.2,
    "cold_start": False,
}


def prediction(*confidences: float, confident: bool = True) -> dict[str, Any]:
    """The body of a 200 from /predict, with a confidence for each of `CLASSES`."""
    ranked = sorted(zip(confidences, CLASSES, strict=True), reverse=True)
    return {
        "request_id": "5f0c6f0e-stand-in",
        "model_version": "1a2b3c4d5e6f",
        "label": ranked[0][1],
        "confidence": ranked[0][0],
        "confident": confident,
        "predictions": [{"label": label, "confidence": share} for share, label in ranked],
        "image": {"format": "JPEG", "width": 640, "height": 427},
        "timings_ms": {"decode": 2.31, "inference": 1.62},
    }


def explained(drops: list[list[float]]) -> dict[str, Any]:
    """The body of a 200 from /explain."""
    explanation = {"label": "buildings", "grid": len(drops), "drops": drops, "overlay_png": None}
    return {**CONFIDENT, "explanation": explanation}


def batch(*outcomes: dict[str, Any]) -> dict[str, Any]:
    """The body of a 200 from /predict/batch, from the bodies of predictions and problems."""
    results = [
        {"filename": "a.jpg", "prediction": outcome, "error": None}
        if "label" in outcome
        else {"filename": "a.jpg", "prediction": None, "error": outcome}
        for outcome in outcomes
    ]
    return {"request_id": "a-batch", "model_version": "1a2b3c4d5e6f", "results": results}


CONFIDENT = prediction(0.874, 0.011, 0.008, 0.017, 0.029, 0.061)
LOW_CONFIDENCE = prediction(0.035, 0.022, 0.371, 0.402, 0.150, 0.020, confident=False)


@dataclass(frozen=True)
class Reply:
    """A response, sent after `delay_s` seconds, and not before `release` is set."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay_s: float = 0.0
    release: Event | None = None


HANG_UP = Reply(0, None)  # closes the connection, as a server does after a long idle time


def problem(status: int, detail: str, **headers: str) -> Reply:
    """An error response of the API (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": "A title",
        "status": status,
        "detail": detail,
        "request_id": "5f0c6f0e-stand-in",
    }
    return Reply(status, body, headers, "application/problem+json")


@dataclass(frozen=True)
class Received:
    """A request of a client."""

    route: str
    query: dict[str, list[str]]
    authorization: str
    body: bytes


class StandInApi(ThreadingHTTPServer):
    """The server.

    /predict/batch returns the response of /predict for each picture, unless `replies` has another.

    Attributes:
        health: response of `GET /health`.
        predict: response of `POST /predict`.
        predict_first: responses of `POST /predict` before `predict`.
        replies: responses of other routes, by "GET /model" etc.
        received: the requests so far.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.health = Reply(200, HEALTHY)
        self.predict = Reply(200, CONFIDENT)
        self.predict_first: deque[Reply] = deque()
        self.replies: dict[str, Reply] = {}
        self.received: list[Received] = []

    def count(self, route: str) -> int:
        """Count the requests to a route such as "GET /health"."""
        return sum(request.route == route for request in self.received)


class _Handler(BaseHTTPRequestHandler):
    server: StandInApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        received = self._record()
        if received.route == "GET /health":
            self._reply(self.server.health)
        else:
            self._reply_if_authorized(received)

    def do_POST(self) -> None:
        self._reply_if_authorized(self._record())

    def _reply_if_authorized(self, received: Received) -> None:
        server, route = self.server, received.route
        expected = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if received.authorization != f"Basic {expected}":
            self._reply(problem(401, "Wrong user name or password."))
        elif route in server.replies:
            self._reply(server.replies[route])
        elif route == "POST /predict/batch" and server.predict.status == 200:
            count = received.body.count(b'name="file"')
            self._reply(Reply(200, batch(*[server.predict.body] * count)))
        elif server.predict_first and route.startswith("POST /predict"):
            self._reply(server.predict_first.popleft())
        else:
            self._reply(server.predict)

    def _record(self) -> Received:
        address = urlsplit(self.path)
        received = Received(
            f"{self.command} {address.path}",
            parse_qs(address.query),
            self.headers.get("Authorization", ""),
            self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        self.server.received.append(received)
        return received

    def _reply(self, reply: Reply) -> None:
        if reply is HANG_UP:
            self.close_connection = True
            return
        time.sleep(reply.delay_s)
        if reply.release:
            reply.release.wait(timeout=60)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output clean."""


@contextmanager
def serve() -> Iterator[StandInApi]:
    """Run a stand-in on a free port until the block ends."""
    with StandInApi() as api:
        thread = Thread(target=api.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            api.shutdown()
            thread.join()
