"""Request ID, log line, metrics and the handling of unexpected errors."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_api.classifier import Prediction
from lambda_api.metrics import RequestMetrics
from lambda_api.problems import Problem, problem_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._=-]{1,128}")  # IDs of an HTTP API end with "="


@dataclass(slots=True)
class ColdStart:
    """State of the process: `pending` until the first request or keep-warm call has arrived."""

    pending: bool = True

    def take(self) -> bool:
        """Return whether the caller is the first one, and mark the process as started."""
        pending, self.pending = self.pending, False
        return pending


class RequestContext:
    """Pure ASGI middleware around all others except `SecurityHeaders`.

    - Sets `request.state.request_id` and the header `X-Request-ID` to the client's `X-Request-ID`,
      else API Gateway's ID, else a random one.
    - Sets `request.state.cold_start` and the header `X-Cold-Start`: true for the first request of a
      process, which had to wait for its start. A keep-warm call on Lambda counts as the first.
    - Responds to unexpected errors with a 500 that contains no internals.
    - Writes one log line and one set of metrics. Routes add to them through `request.state.log`
      and `request.state.predictions`.
    """

    def __init__(
        self,
        app: ASGIApp,
        logger: Logger,
        metrics: RequestMetrics | None,
        cold_start: ColdStart,
    ) -> None:
        self.app, self.logger, self.metrics = app, logger, metrics
        self.cold_start = cold_start
        # Provisioned instances start before a request arrives, so no request waits for them.
        initialization = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
        if initialization == "provisioned-concurrency":
            cold_start.take()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        status = 0
        failure: Exception | None = None
        state = scope.setdefault("state", {})
        state["request_id"], state["log"], state["predictions"] = _request_id(scope), {}, []
        state["cold_start"] = self.cold_start.take()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", state["request_id"].encode()),
                    (b"x-cold-start", b"true" if state["cold_start"] else b"false"),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = 499  # nginx's code for a client that closed the connection; only logged
        except Exception as error:
            failure = error
            if status:  # the response has started: abort it
                raise
            problem = Problem(500, "internal-error", "Something went wrong on our side.")
            response = problem_response(problem, state["request_id"])
            await response(scope, receive, send_with_headers)
        finally:
            duration_ms = round((perf_counter() - start) * 1000, 2)
            self._log(scope, status, duration_ms, failure)
            if self.metrics is not None:
                self._write_metrics(self.metrics, scope, status, duration_ms)

    def _log(
        self, scope: Scope, status: int, duration_ms: float, failure: Exception | None
    ) -> None:
        state = scope["state"]
        log = self.logger.error if failure else self.logger.info
        log(
            "request",
            request_id=state["request_id"],
            method=scope["method"],
            path=scope["path"],
            status=status,
            cold_start=state["cold_start"],
            duration_ms=duration_ms,
            exc_info=failure,
            **state["log"],
            **_prediction_fields(state["predictions"]),
        )

    def _write_metrics(
        self, metrics: RequestMetrics, scope: Scope, status: int, duration_ms: float
    ) -> None:
        state = scope["state"]
        loaded_model = scope["app"].state.loaded_model if state["cold_start"] else None
        metrics.write(
            status=status,
            duration_ms=duration_ms,
            predictions=state["predictions"],
            login=state["log"].get("login"),
            cold_start_load_ms=loaded_model and loaded_model.load_ms,
        )


def _prediction_fields(predictions: list[Prediction]) -> dict[str, Any]:
    """Return the log fields that describe the predictions of a request."""
    if not predictions:
        return {}
    if len(predictions) > 1:
        return {"labels": dict(Counter(prediction.label for prediction in predictions))}
    (prediction,) = predictions
    return {
        "label": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "confident": prediction.confident,
        **_familiarity_fields(prediction),
        "timings_ms": prediction.timings_ms(),
    }


def _familiarity_fields(prediction: Prediction) -> dict[str, Any]:
    if prediction.familiarity is None:
        return {}
    return {"known": prediction.known, "familiarity": round(prediction.familiarity, 4)}


def _request_id(scope: Scope) -> str:
    from_client: str = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    from_gateway = scope.get("aws.event", {}).get("requestContext", {}).get("requestId", "")
    for candidate in (from_client, from_gateway):
        if _REQUEST_ID.fullmatch(candidate):
            return candidate
    return str(uuid4())
