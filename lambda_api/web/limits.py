"""Request limits: headers, body size and duration. Pure ASGI middleware."""

import asyncio
from collections.abc import Mapping
from itertools import chain

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_api.problems import Problem, problem_response

MAX_HEADER_BYTES = 16 * 1024  # names and values; API Gateway's own limit is 10,240


def _header_problem(scope: Scope, headers: Mapping[bytes, bytes]) -> Problem | None:
    if sum(map(len, chain.from_iterable(scope["headers"]))) > MAX_HEADER_BYTES:
        detail = f"The headers are larger than {MAX_HEADER_BYTES:,} bytes."
        return Problem(431, "headers-too-large", detail)
    # Request smuggling: a proxy and this server could disagree about where the body ends. RFC 9112,
    # section 6.3, requires the connection to be closed.
    if {b"content-length", b"transfer-encoding"} <= headers.keys():
        detail = "Send Content-Length or Transfer-Encoding, not both."
        return Problem(400, "ambiguous-length", detail, {"Connection": "close"})
    return None


class Deadline:
    """Abort a request after `seconds`: 408 if its body has not arrived, else 503.

    Work that runs in a thread is not interrupted. Its result is discarded.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        arriving, started = False, False

        async def tracked_receive() -> Message:
            nonlocal arriving
            arriving = True
            message = await receive()
            arriving = message.get("more_body", False)
            return message

        async def tracked_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds) as deadline:
                await self.app(scope, tracked_receive, tracked_send)
        except TimeoutError:
            if started or not deadline.expired():
                raise
            problem = self._body_timeout() if arriving else self._work_timeout()
            await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)

    def _body_timeout(self) -> Problem:
        detail = f"The request body did not arrive within {self.seconds:g} s."
        return Problem(408, "request-timeout", detail, {"Connection": "close"})

    def _work_timeout(self) -> Problem:
        detail = (
            f"The request took longer than {self.seconds:g} s. The service may be busy: try again."
        )
        return Problem(503, "out-of-time", detail, {"Retry-After": "5"})


class SizeLimit:
    """Reject headers over `MAX_HEADER_BYTES` and bodies over `limit` bytes.

    `uploads` is whether the service has `POST /uploads`, which the response then recommends.

    Received bytes are counted, because Content-Length may be wrong or missing. The `Problem` is
    raised in the route that reads the body.

    Before a response is sent, the rest of the body is read and discarded, up to `4 * limit` bytes.
    Otherwise, a client that is still sending would see a connection reset instead of the response.
    This is skipped for a client that sent `Expect`, because it waits before it sends the body.
    """

    def __init__(self, app: ASGIApp, limit: int, *, uploads: bool) -> None:
        self.app, self.limit, self.uploads = app, limit, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])  # names are lower case in ASGI
        if problem := _header_problem(scope, headers):
            await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)
            return
        received, arriving = 0, b"expect" not in headers

        async def counted() -> Message:
            nonlocal received, arriving
            message = await receive()
            received += len(message.get("body", b""))
            arriving = message.get("more_body", False)
            return message

        async def limited() -> Message:
            message = await counted()
            if received > self.limit:
                raise self._problem(scope)
            return message

        async def send_after_body(message: Message) -> None:
            while arriving and received < 4 * self.limit:
                await counted()
            if arriving and message["type"] == "http.response.start":  # an endless body
                message["headers"].append((b"connection", b"close"))
            await send(message)

        declared = headers.get(b"content-length", b"").lstrip(b"0")
        if declared.isdigit() and (len(declared) > 20 or int(declared) > self.limit):
            response = problem_response(self._problem(scope), scope["state"]["request_id"])
            await response(scope, receive, send_after_body)
            return
        await self.app(scope, limited, send_after_body)

    def _problem(self, scope: Scope) -> Problem:
        if scope["path"].rstrip("/").endswith("/batch"):
            remedy = "Send fewer or smaller pictures."
        elif self.uploads:
            remedy = "Send a smaller picture, or use POST /uploads."
        else:
            remedy = "Send a smaller picture."
        detail = f"The request body is larger than {self.limit:,} bytes. {remedy}"
        return Problem(413, "too-many-bytes", detail)
