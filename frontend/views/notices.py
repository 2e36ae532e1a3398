"""Boxes for errors and for temporary conditions."""

from collections.abc import Callable
from html import escape

import streamlit as st

from frontend.api.errors import ApiError
from frontend.views.markup import for_operator
from frontend.views.messages import PageError, message_for


def draw_error(
    error: PageError, *, on_retry: Callable[[], None] = lambda: None, key: str = "lc-retry"
) -> None:
    """Draw the message for an error, with a "Try again" button if that can help.

    Args:
        error: the error.
        on_retry: called after a click, before the script runs again.
        key: identifies the button on the page.
    """
    message = message_for(error)
    request_id = error.request_id if isinstance(error, ApiError) else None
    draw_notice(
        message.title,
        message.text,
        operator=message.operator,
        points=message.points,
        temporary=message.temporary,
        request_id=request_id,
    )
    if message.retry:
        st.button(
            "Try again", icon=":material/refresh:", key=key, type="primary", on_click=on_retry
        )


def draw_notice(
    title: str,
    text: str,
    *,
    operator: str = "",
    points: tuple[str, ...] = (),
    temporary: bool = False,
    request_id: str | None = None,
) -> None:
    """Draw a box: a status if `temporary`, otherwise an alert.

    `operator` and `request_id`, by which the operator of the API finds the request in its log, are
    behind a fold.
    """
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    request = f"Request <code>{escape(request_id)}</code>" if request_id else ""
    details = "<br>".join(part for part in (escape(operator), request) if part)
    style, role = ("lc-waits", "status") if temporary else ("lc-wrong", "alert")
    st.html(
        f'<div class="lc-notice {style}" role="{role}"><strong>{escape(title)}</strong>'
        f"<p>{escape(text)}</p>{f'<ul>{items}</ul>' if items else ''}"
        f"{for_operator(details) if details else ''}</div>"
    )
