"""Requests by hand, for what an HTTP client cannot do or see."""

import asyncio
import base64
from collections.abc import Iterable

from starlette.types import ASGIApp, Message


def basic(credentials: str, encoding: str = "utf-8") -> str:
    """The `Authorization` header of "name:password"."""
    return "Basic " + base64.b64encode(credentials.encode(encoding)).decode()


class Exchange:
    """One request, whose body is given in chunks; what came of it.

    Attributes:
        received: bytes of the body that the app took.
        status: of the answer; 0 if there was none.
        headers: of the answer, names in lower case.
        body: of the answer.
    """

    def __init__(self, app: ASGIApp, method: str, path: str, **headers: str) -> None:
        self.app = app
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 50_000),
        }
        self.received, self.status = 0, 0
        self.headers: dict[str, str] = {}
        self.body = b""

    def run(self, chunks: Iterable[bytes]) -> "Exchange":
        """Send the chunks, and then no more: a body that has not ended is broken off."""
        asyncio.run(self.exchange(chunks))
        return self

    async def exchange(self, chunks: Iterable[bytes]) -> None:
        """As `run`, in a loop that others share."""
        source = iter(chunks)

        async def receive() -> Message:
            chunk = next(source, None)
            if chunk is None:
                return {"type": "http.disconnect"}
            self.received += len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": True}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                self.body += message["body"]

        await self.app(self.scope, receive, send)
