"""How much a request may bring, and how long it may take. Pure ASGI middleware."""

import asyncio
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_api.problems import Problem, problem_response

MAX_HEADER_BYTES = 16 * 1024  # names and values; API Gateway's own limit is 10,240


def _wrong_headers(headers: Collection[tuple[bytes, bytes]]) -> Problem | None:
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        detail = f"The headers are over {MAX_HEADER_BYTES:,} bytes."
        return Problem(431, "headers-too-large", detail)
    # A proxy may go by one and we by the other: what it takes for a part of the body could be a
    # request to us. RFC 9112, section 6.3, wants the connection closed.
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
        detail = "A request has a Content-Length or a Transfer-Encoding, not both."
        return Problem(400, "ambiguous-length", detail, {"Connection": "close"})
    return None


class Deadline:
    """Ends a request that takes longer than `seconds`: 408 if its body is late, else 503.

    What a worker has begun by then it finishes, for nobody.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        arriving, started = False, False

        async def noted_receive() -> Message:
            nonlocal arriving
            arriving = True
            message = await receive()
            arriving = message.get("more_body", False)
            return message

        async def noted_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds) as deadline:
                await self.app(scope, noted_receive, noted_send)
        except TimeoutError:
            if started or not deadline.expired():
                raise
            problem = self._late() if arriving else self._busy()
            await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)

    def _late(self) -> Problem:
        detail = f"The request body did not arrive within {self.seconds:g} s."
        return Problem(408, "request-timeout", detail, {"Connection": "close"})

    def _busy(self) -> Problem:
        detail = f"This took longer than {self.seconds:g} s: the service is busy. Try again."
        return Problem(503, "out-of-time", detail, {"Retry-After": "5"})


class SizeLimit:
    """Refuses headers over `MAX_HEADER_BYTES` and bodies over `limit` bytes.

    Counts what really arrives, because Content-Length may lie or be absent; the `Problem` is raised
    in the route that reads the body. Before any answer is sent, the rest of a body is read and
    dropped, up to `4 * limit` bytes: a client that is still sending when the connection closes sees
    a reset instead of its answer. One that sent `Expect` waits for the answer before it sends.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if problem := _wrong_headers(scope["headers"]):
            await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)
            return
        received, arriving = 0, "Expect" not in headers

        async def counted() -> Message:
            nonlocal received, arriving
            message = await receive()
            received += len(message.get("body", b""))
            arriving = message.get("more_body", False)
            return message

        async def limited() -> Message:
            message = await counted()
            if received > self.limit:
                raise self._problem()
            return message

        async def send_after_body(message: Message) -> None:
            while arriving and received < 4 * self.limit:
                await counted()
            if arriving and message["type"] == "http.response.start":  # a body without an end
                message["headers"].append((b"connection", b"close"))
            await send(message)

        announced = headers.get("Content-Length", "").lstrip("0")
        if announced.isdecimal() and (len(announced) > 20 or int(announced) > self.limit):
            response = problem_response(self._problem(), scope["state"]["request_id"])
            await response(scope, receive, send_after_body)
            return
        await self.app(scope, limited, send_after_body)

    def _problem(self) -> Problem:
        return Problem(
            413,
            "too-many-bytes",
            f"The request body is over the limit of {self.limit:,} bytes: send a smaller picture, "
            "or use POST /uploads.",
        )
