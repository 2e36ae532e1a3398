"""ASGI requests without an HTTP client, for what a client cannot do or see."""

import asyncio
import base64
from collections.abc import Iterable

from starlette.types import ASGIApp, Message


def basic(credentials: str, encoding: str = "utf-8") -> str:
    """The `Authorization` header of "name:password"."""
    return "Basic " + base64.b64encode(credentials.encode(encoding)).decode()


class Exchange:
    """One request with a body in chunks, and its response.

    Attributes:
        received: number of bytes of the body that the app read.
        status: status of the response; 0 without a response.
        headers: headers of the response, names in lower case.
        body: body of the response.
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
        """Send the chunks, then disconnect if the app reads more."""
        asyncio.run(self.exchange(chunks))
        return self

    async def exchange(self, chunks: Iterable[bytes]) -> None:
        """As `run`, inside a running event loop."""
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
