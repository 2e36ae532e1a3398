"""Where an API Gateway has put the service: under a stage, or at the root."""

from starlette.types import ASGIApp, Receive, Scope, Send


class StagePrefix:
    """ASGI middleware that tells the app the stage in front of its paths, as `root_path`.

    Routes are found and links (of `/docs`) are right under `https://…/prod/` as they are at the
    root. An HTTP API's event has the stage in its path, a REST API's has it beside.
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
    whole: str = context.get("path", path)
    return whole.removesuffix(path) if whole.endswith(path) else ""
