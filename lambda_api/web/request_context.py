"""What surrounds every request: its id, its log line and metrics, the last line of defence."""

import os
import re
from collections import Counter
from time import perf_counter
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_api.classifier import Answer
from lambda_api.metrics import RequestMetrics
from lambda_api.problems import Problem, problem_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._=-]{1,128}")  # those of an HTTP API end in "="

# https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
_SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_HTTPS = (b"strict-transport-security", b"max-age=31536000")


class RequestContext:
    """Pure ASGI middleware, the outermost layer of the app.

    Gives each request an id (the client's `X-Request-ID`, else API Gateway's, else a random one) in
    `request.state.request_id` and in the answer's `X-Request-ID`; says whether it waited for
    the process to start in `request.state.cold_start` and in the answer's `X-Cold-Start`; puts
    security headers on the answer; answers what nobody caught with a 500 that says nothing of the
    inside; writes one log line and one set of metrics, to which a route adds through
    `request.state.log` and `request.state.answers`.
    """

    def __init__(self, app: ASGIApp, logger: Logger, metrics: RequestMetrics | None) -> None:
        self.app, self.logger, self.metrics = app, logger, metrics
        # Provisioned instances have started before anybody asked: nobody has waited for them.
        how = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
        self.cold_start = how != "provisioned-concurrency"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        request_id = _request_id(scope)
        line: dict[str, Any] = {}
        answers: list[Answer] = []
        state = scope.setdefault("state", {})
        state["request_id"], state["log"], state["answers"] = request_id, line, answers
        state["cold_start"], self.cold_start = self.cold_start, False
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *_SECURITY_HEADERS]
                headers.append((b"x-request-id", request_id.encode()))
                headers.append((b"x-cold-start", b"true" if state["cold_start"] else b"false"))
                if not any(name == _POLICY[0] for name, _ in headers):  # as /docs has
                    headers.append(_POLICY)
                if scope["scheme"] == "https":
                    headers.append(_HTTPS)
                message["headers"] = headers
            await send(message)

        failure: Exception | None = None
        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = 499  # nginx's code, and only for the log: nobody is there to be answered
        except Exception as error:
            failure = error
            if status:  # the answer has begun: all that is left is to break it off
                raise
            problem = Problem(500, "internal-error", "Something went wrong on our side.")
            await problem_response(problem, request_id)(scope, receive, send_with_headers)
        finally:
            duration_ms = round((perf_counter() - start) * 1000, 2)
            log = self.logger.error if failure else self.logger.info
            log(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                cold_start=state["cold_start"],
                duration_ms=duration_ms,
                exc_info=failure,
                **line,
                **_told(answers),
            )
            if self.metrics is not None:
                model = scope["app"].state.model if state["cold_start"] else None
                self.metrics.write(
                    status=status,
                    duration_ms=duration_ms,
                    answers=answers,
                    login=line.get("login"),
                    cold_start_load_ms=model and model.load_ms,
                )


def _told(answers: list[Answer]) -> dict[str, Any]:
    """What the log says of the pictures of a request."""
    if not answers:
        return {}
    if len(answers) > 1:
        return {"labels": dict(Counter(answer.label for answer in answers))}
    (answer,) = answers
    return {
        "label": answer.label,
        "confidence": round(answer.confidence, 4),
        "confident": answer.confident,
        "timings_ms": answer.timings_ms(),
    }


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("X-Request-ID", "")
    gateway = scope.get("aws.event", {}).get("requestContext", {}).get("requestId", "")
    for candidate in (given, gateway):
        if _REQUEST_ID.fullmatch(candidate):
            return candidate
    return str(uuid4())
