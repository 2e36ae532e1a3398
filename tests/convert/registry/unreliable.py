"""A proxy between boto3 and S3 that fails as planned."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

OWN = {
    "connection",
    "transfer-encoding",
    "content-encoding",
    "content-length",
    "server",
    "date",
}

# Maps a request's method, path and number (from 1) to the name of a failure, or None.
Plan = Callable[[str, str, int], str | None]


def _refusal(status: int, code: str) -> tuple[int, bytes]:
    return status, f"<Error><Code>{code}</Code><Message>of the test</Message></Error>".encode()


REFUSALS = {
    "denied": _refusal(403, "AccessDenied"),
    "failing": _refusal(500, "InternalError"),
    "no bucket": _refusal(404, "NoSuchBucket"),
    "conflict": _refusal(409, "ConditionalRequestConflict"),
}


class UnreliableS3(ThreadingHTTPServer):
    """Forwards requests to `upstream` unless `plan` names a failure.

    It compares bodies with their SHA-256, as S3 does and moto does not.
    """

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.plan: Plan = lambda *_: None
        self.seen: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Print nothing: connections break on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: UnreliableS3
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        with self.server.lock:
            self.server.seen.append((self.command, path))
            failure = self.server.plan(self.command, path, len(self.server.seen))
        if failure in REFUSALS:
            self._respond(*REFUSALS[failure])
        elif failure == "cut off":
            self.close_connection = True
        elif failure == "silent":
            time.sleep(2)
            self.close_connection = True
        elif failure == "altered" and body:
            self._forward(bytes([body[0] ^ 1]) + body[1:])
        else:
            self._forward(body, lost=failure == "response lost", half=failure == "half")

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _handle  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _forward(self, body: bytes, *, lost: bool = False, half: bool = False) -> None:
        claimed = self.headers.get("x-amz-checksum-sha256")
        if claimed and claimed != base64.b64encode(hashlib.sha256(body).digest()).decode():
            self._respond(*_refusal(400, "BadDigest"))
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
        response = requests.request(
            self.command, self.server.upstream + self.path, data=body, headers=headers, timeout=10
        )
        if lost:
            self.close_connection = True
            return
        kept = {k: v for k, v in response.headers.items() if k.lower() not in OWN}
        self._respond(response.status_code, response.content, kept, half=half)

    def _respond(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, half: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Print nothing."""
