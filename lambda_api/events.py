"""Lambda events: HTTP requests, keep-warm calls, and everything else."""

import json
from typing import Any

from aws_lambda_powertools import Logger

from lambda_api.problems import MEDIA_TYPE, Problem, problem_fields

Event = dict[str, Any]

# Errors of Mangum for an event that lacks a field, or has one of another type or a damaged body.
DAMAGED = (AttributeError, IndexError, KeyError, TypeError, ValueError)

# `source` of calls that only keep an instance warm.
_TIMERS = {"aws.events", "aws.scheduler", "serverless-plugin-warmup"}


def is_http(event: Any) -> bool:
    """Return True for requests from API Gateway, a function URL or a load balancer."""
    if not isinstance(event, dict) or not isinstance(event.get("requestContext"), dict):
        return False
    context = event["requestContext"]
    return "http" in context or "httpMethod" in event


def complete(event: Event) -> Event:
    """Return an HTTP event with the fields that Mangum requires and some gateways leave out."""
    context = event["requestContext"]
    if "http" in context:
        context["http"].setdefault("sourceIp", None)
        event.setdefault("version", "2.0")
    elif "elb" not in context:
        event.setdefault("resource", "")
        if context.get("identity", {}) is None:
            context["identity"] = {}
    if event.get("headers", {}) is None:
        event["headers"] = {}
    return event


def damaged_request(event: Event, error: Exception, logger: Logger) -> dict[str, Any]:
    """Return the response 400 to an HTTP event that is not a valid request, and log the reason."""
    request_id = str(event["requestContext"].get("requestId", ""))
    logger.warning("damaged event", request_id=request_id, reason=repr(error))
    problem = Problem(
        400,
        "bad-request",
        "The request is damaged. Its headers are not valid, or its body is not text or base64.",
    )
    return {
        "statusCode": problem.status,
        "headers": {"content-type": MEDIA_TYPE},
        "body": json.dumps({**problem_fields(problem), "request_id": request_id}),
        "isBase64Encoded": False,
    }


def other(event: Any, logger: Logger) -> dict[str, str]:
    """Answer an event that is not an HTTP request.

    Keep-warm calls and test events of the console are logged at the level DEBUG. For events of
    other services, the answer and a warning name their source: the function is not made for them.
    No event is an error of the function, because Lambda would repeat it and raise an alarm.
    """
    source = _service(event)
    if source is None:
        logger.debug("no request", event_keys=_keys(event))
        return {"status": "ok"}
    logger.warning("unsupported event", source=source, event_keys=_keys(event))
    return {
        "status": "ignored",
        "detail": f"This function handles HTTP requests only, not events of {source}. Remove it "
        "from the targets of that service.",
    }


def _service(event: Any) -> str | None:
    """Return the service that sent an event, None for timers and test events."""
    match event:
        case {"Records": [{"eventSource": str(source)} | {"EventSource": str(source)}, *_]}:
            return source
        case {"Records": [{"cf": _}, *_]}:
            return "CloudFront"
        case {"requestContext": {"connectionId": _}}:
            return "a WebSocket API"
        case {"eventSource": str(source)}:  # Kafka, Amazon MQ
            return source
        case {"awslogs": _}:
            return "aws.logs"
        case {"source": str(source)} if source.startswith("aws.") and source not in _TIMERS:
            return source
    return None


def _keys(event: Any) -> list[str]:
    """Return the names of the fields, without their values."""
    return [str(key) for key in event][:10] if isinstance(event, dict) else []
