"""What surrounds every request: its id, its size limit, its log line, the last line of defence."""

import re
from time import perf_counter
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_api.problems import Problem, problem_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._=-]{1,128}")  # those of an HTTP API end in "="


class RequestContext:
    """Pure ASGI middleware, the outermost layer of the app.

    Gives each request an id (the client's `X-Request-ID`, else API Gateway's, else a random one) in
    `request.state.request_id` and in the answer's `X-Request-ID`; `request.state.cold_start` says
    whether it is the first of the process; answers what nobody caught with a 500 that says nothing
    of the inside; writes one log line, to which a route adds through `request.state.log`.
    """

    def __init__(self, app: ASGIApp, logger: Logger) -> None:
        self.app, self.logger = app, logger
        self.cold_start = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        request_id = _request_id(scope)
        line: dict[str, Any] = {}
        state = scope.setdefault("state", {})
        state["request_id"], state["log"] = request_id, line
        state["cold_start"], self.cold_start = self.cold_start, False
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        failure: Exception | None = None
        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = 499  # nginx's code, and only for the log: nobody is there to be answered
        except Exception as error:
            failure = error
            if status:  # the answer has begun: all that is left is to break it off
                raise
            problem = Problem(500, "internal-error", "Something went wrong on our side.")
            await problem_response(problem, request_id)(scope, receive, send_with_id)
        finally:
            log = self.logger.error if failure else self.logger.info
            log(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                cold_start=state["cold_start"],
                duration_ms=round((perf_counter() - start) * 1000, 2),
                exc_info=failure,
                **line,
            )


class BodyLimit:
    """Pure ASGI middleware that refuses request bodies over `limit` bytes.

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
            await send(message)

        announced = headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > self.limit:
            response = problem_response(self._problem(), scope["state"]["request_id"])
            await response(scope, receive, send_after_body)
            return
        await self.app(scope, limited, send_after_body)

    def _problem(self) -> Problem:
        return Problem(
            413,
            "too-many-bytes",
            f"The request body is over the limit of {self.limit:,} bytes: send a smaller picture.",
        )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("X-Request-ID", "")
    gateway = scope.get("aws.event", {}).get("requestContext", {}).get("requestId", "")
    for candidate in (given, gateway):
        if _REQUEST_ID.fullmatch(candidate):
            return candidate
    return str(uuid4())
