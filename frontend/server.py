"""Entry point on hosts without Streamlit secrets: `streamlit run frontend/server.py`.

It runs frontend/app.py with the log-in of the environment or of `.env`. Streamlit itself only reads
the log-in from its secrets. It also adds the page's style to the HTML. Without it, the first
elements would move when their style arrives, and the first frame would be white for visitors with a
dark system.
"""

import os
import sys
from pathlib import Path

# `streamlit run` adds this file's folder to the path, not the root, which contains `frontend`.
if (root := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.insert(0, root)

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from env_file import EnvFileError, unset_variables
from frontend.login import SCOPES, VARIABLES, auth_table
from frontend.style import style_element

NAMES = (*VARIABLES.values(), SCOPES, "API_AUTH")
_END = b"</body>"  # after Streamlit's style sheets, as the page's own overrides them
_CONDITIONS = (b"if-none-match", b"if-modified-since")
_COLOR_SCHEME = "<style>:root { color-scheme: light dark }</style>"


class EarlyStyle:
    """Middleware that adds a style to the page's HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"] not in ("/", "/index.html"):
            await self._app(scope, receive, send)
            return
        # The style may change without the file: "not modified" would be wrong.
        scope["headers"] = [one for one in scope["headers"] if one[0] not in _CONDITIONS]
        # Without the extension, the server sends the file through `send`.
        scope["extensions"] = {
            name: value
            for name, value in (scope.get("extensions") or {}).items()
            if name != "http.response.pathsend"
        }
        start: Message = {}
        body = bytearray()

        async def send_with_style(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            style = _COLOR_SCHEME + style_element()
            content = bytes(body).replace(_END, style.encode() + _END, 1)
            if body and "content-length" in (headers := MutableHeaders(raw=start["headers"])):
                headers["content-length"] = str(len(content))
            await send(start)
            await send({"type": "http.response.body", "body": content})

        await self._app(scope, receive, send_with_style)


def _variables() -> dict[str, str]:
    try:
        from_file = unset_variables(NAMES)
    except EnvFileError:
        from_file = {}  # the page reports the error
    return from_file | {name: value for name in NAMES if (value := os.environ.get(name))}


auth = auth_table(_variables())
app = st.App(
    Path(__file__).with_name("app.py"),
    secrets={"auth": auth} if auth else None,
    middleware=[Middleware(EarlyStyle)],
)
