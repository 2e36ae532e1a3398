"""ASGI middleware for the stage prefix of API Gateway."""

from starlette.types import ASGIApp, Receive, Scope, Send


class StagePrefix:
    """Set `root_path` to the stage in the URL, such as "/prod".

    Routes and the links of `/docs` then work under a stage as they do at the root. The event of an
    HTTP API contains the stage in its path, the event of a REST API in its request context.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "root_path": _root_path(scope)}, receive, send)


def _root_path(scope: Scope) -> str:
    context = scope["aws.event"]["requestContext"]
    path: str = scope["path"]
    if "http" in context:  # payload format 2.0
        stage = f"/{context.get('stage', '$default')}"
        return stage if path == stage or path.startswith(f"{stage}/") else ""
    full_path: str = context.get("path", path)
    return full_path.removesuffix(path) if full_path.endswith(path) else ""
