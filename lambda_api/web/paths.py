"""Paths with additional slashes, as clients build them from a base address."""

import re

from starlette.routing import Router
from starlette.types import Receive, Scope, Send

_SLASHES = re.compile("/+")


def install(router: Router) -> None:
    """Route "/predict/" and "//predict" as "/predict", without a redirect.

    A redirect would make a client send the picture twice, and has the wrong address behind a
    gateway. Applies only to paths that match no route.
    """
    not_found = router.default

    async def route_normalized(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        normalized = _SLASHES.sub("/", path).rstrip("/")
        if normalized == scope.get("root_path", ""):
            normalized += "/"
        if normalized == path:
            await not_found(scope, receive, send)
        else:
            await router({**scope, "path": normalized}, receive, send)

    router.redirect_slashes = False
    router.default = route_normalized
