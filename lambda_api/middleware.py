"""What surrounds every request: its id, its size limit, its log line, the last line of defence."""

import re
from time import perf_counter
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_api.problems import Problem, problem_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestContext:
    """Pure ASGI middleware, the outermost layer of the app.

    Gives each request an id (the client's `X-Request-ID`, else API Gateway's, else a random one) in
    `request.state.request_id` and in the answer's `X-Request-ID`; tells the process's first one in
    `request.state.cold_start`; answers what nobody caught with a
    500 that says nothing of the inside; writes one log line. A route adds to that line by putting
    values into `request.state.log`.
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

        failed = False
        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            failed = True
            if status:  # the answer has begun: all that is left is to break it off
                raise
            problem = Problem(500, "internal-error", "Something went wrong on our side.")
            await problem_response(problem, request_id)(scope, receive, send_with_id)
        finally:
            log = self.logger.exception if failed else self.logger.info
            log(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                cold_start=state["cold_start"],
                duration_ms=round((perf_counter() - start) * 1000, 2),
                **line,
            )


class BodyLimit:
    """Pure ASGI middleware that refuses request bodies over `limit` bytes.

    Counts what really arrives, because Content-Length may lie or be absent; the `Problem` is raised
    in the route that reads the body.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self.limit:
                    raise self._problem()
            return message

        if scope["type"] == "http":
            announced = Headers(scope=scope).get("Content-Length", "")
            if announced.isdecimal() and int(announced) > self.limit:
                response = problem_response(self._problem(), scope["state"]["request_id"])
                await response(scope, receive, send)
                return
        await self.app(scope, counted, send)

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
