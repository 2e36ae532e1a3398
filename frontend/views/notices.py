"""Boxes that tell what is wrong, or what the page is waiting for."""

from collections.abc import Callable
from html import escape

import streamlit as st

from frontend.api.errors import ApiError
from frontend.views.messages import Tellable, explain


def show(
    error: Tellable, *, on_retry: Callable[[], None] = lambda: None, key: str = "lc-retry"
) -> None:
    """Tell of an error; where trying again can help, with a button for it.

    Args:
        error: what is wrong.
        on_retry: what to do before the page is drawn anew.
        key: tells the button from others on the page.
    """
    message = explain(error)
    request_id = error.request_id if isinstance(error, ApiError) else None
    box(
        message.title,
        message.text,
        points=message.points,
        passing=message.passing,
        request_id=request_id,
    )
    if message.retry:
        st.button(
            "Try again", icon=":material/refresh:", key=key, type="primary", on_click=on_retry
        )


def box(
    title: str,
    text: str,
    *,
    points: tuple[str, ...] = (),
    passing: bool = False,
    request_id: str | None = None,
) -> None:
    """Draw a box; one that is `passing` is no alarm. Who runs the API finds `request_id` logged."""
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    asked = f'<p class="lc-ids">Request <code>{escape(request_id)}</code></p>' if request_id else ""
    state, role = ("lc-waits", "status") if passing else ("lc-wrong", "alert")
    st.html(
        f'<div class="lc-notice {state}" role="{role}"><strong>{escape(title)}</strong>'
        f"<p>{escape(text)}</p>{f'<ul>{items}</ul>' if items else ''}{asked}</div>"
    )
