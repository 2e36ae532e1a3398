"""ASGI middleware that completes the request scopes that Mangum builds from gateway events."""

import re
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class GatewayScope:
    """Set the prefix of the URL and the client's address. Send no body in response to HEAD.

    `root_path` becomes the stage, such as "/prod", or the base path of a custom domain, such as
    "/v1". Routes and the links of `/docs` then work there as they do at the root.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root, path = _root_path(scope), scope["path"]
        full_path = f"{root}{path}"
        if f"{path}/".startswith(f"{root}/") and _context_path(scope) == full_path:
            path = full_path  # a stage called like a route: Starlette would remove the route
        scope = {**scope, "root_path": root, "path": path, "client": _client(scope)}
        if scope["method"] == "HEAD":
            await self.app(scope, receive, _without_body(send))
        else:
            await self.app(scope, receive, send)


def _root_path(scope: Scope) -> str:
    event = scope["aws.event"]
    context = event["requestContext"]
    path: str = scope["path"]
    if "http" in context:  # payload format 2.0: the path contains the stage
        stage = f"/{context.get('stage', '$default')}"
        if path == stage or path.startswith(f"{stage}/"):
            return stage
        template = str(context.get("routeKey", "")).partition(" ")[2]
    else:  # a REST API: the path in the request context contains the stage
        full_path = _context_path(scope) or path
        if full_path != path and full_path.endswith(path):
            return full_path.removesuffix(path)
        template = str(event.get("resource") or "")
    parameters = event.get("pathParameters")
    return _base_path(path, template, parameters if isinstance(parameters, dict) else {})


def _context_path(scope: Scope) -> str:
    """Return the path with the stage, "" if the event has none."""
    return str(scope["aws.event"]["requestContext"].get("path") or "")


def _base_path(path: str, template: str, parameters: dict[str, Any]) -> str:
    """Return the part of the path before the resource: the base path of a custom domain.

    Args:
        path: path of the request.
        template: path of the resource, such as "/{proxy+}".
        parameters: values of the names in the template.
    """
    if not template.startswith("/"):  # the route $default
        return ""
    parts = (
        str(parameters.get(part[1:-1].rstrip("+"), part)) if part.startswith("{") else part
        for part in re.split(r"(\{[^}]*\})", template)
    )
    resource = unquote("".join(parts)).rstrip("/")
    bare = path.rstrip("/")
    return bare.removesuffix(resource) if bare.endswith(resource) else ""


def _client(scope: Scope) -> tuple[str, int] | None:
    """Return the client's address, None if the event has none."""
    address, port = scope["client"]
    if address and "elb" in scope["aws.event"]["requestContext"]:
        # A load balancer appends the address of the client. The client may have sent the others.
        address = address.rpartition(",")[2].strip()
    return (address, port) if address else None


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if "body" in message else message)

    return send_head
