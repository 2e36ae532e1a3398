"""The line under the heading: is the API there, with which model, and was it awake."""

from html import escape

import streamlit as st

from frontend.api.errors import ApiError, NotReady, TimedOut
from frontend.api.health_watch import Found, HealthWatch
from frontend.api.predictions import Health
from frontend.tabs import session as history
from frontend.views.messages import explain

LOOK_AGAIN_S = 2  # while it is not ready
LOOK_S = 20  # while it is; each look may keep a Lambda warm, so not more often


def show(watch: HealthWatch, found: Found | None) -> None:
    """Draw the line, which keeps itself up to date.

    Where the API becomes ready, or ceases to be, the whole page is drawn anew.

    Args:
        watch: knows how the API is.
        found: how it was when this page was drawn.
    """
    state = _state(found)
    every = LOOK_S if state == "ready" else LOOK_AGAIN_S

    @st.fragment(run_every=every)
    def line() -> None:
        latest = watch.latest()
        if _state(latest) != state:
            st.rerun()
        _draw(latest, watch)

    line()


def show_not_configured() -> None:
    """Draw the line of a page that does not know its API."""
    with st.container(key="lc-status"):
        st.html(_indicator("down", "Not configured", "The page does not know its API yet."))


def _draw(found: Found | None, watch: HealthWatch) -> None:
    state = _state(found)
    with st.container(key="lc-status", horizontal=True, vertical_alignment="center"):
        match found:
            case None:
                st.html(_indicator(state, "Asking the API", "It has not said yet how it is."))
            case Health():
                st.html(_indicator(state, "Ready", _uptime(found)) + _facts(found))
            case TimedOut():
                st.html(_indicator(state, "Starting up", "The API takes its time to answer."))
            case NotReady():
                st.html(_indicator(state, "Not ready", str(found)))
            case ApiError():
                message = explain(found)
                st.html(_indicator(state, message.title, message.text))
        st.button(
            "Check again",
            icon=":material/refresh:",
            key="lc-check",
            type="tertiary",
            on_click=watch.forget,
        )


def _state(found: Found | None) -> str:
    match found:
        case Health():
            return "ready"
        case None:
            return "waiting"
        case _:
            return "waiting" if explain(found).passing else "down"


def _indicator(state: str, word: str, detail: str) -> str:
    return (
        f'<div class="lc-status lc-{state}" role="status"><span class="lc-dot"></span>'
        f"<div><strong>{escape(word)}</strong><span>{escape(detail)}</span></div></div>"
    )


def _facts(found: Health) -> str:
    facts = {
        "Model": found.model.name,
        "Version": found.model.version,
        "Loaded in": f"{found.load_ms:.0f} ms",
        **_last_answer(),
    }
    pairs = "".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f'<dl class="lc-line">{pairs}</dl>'


def _last_answer() -> dict[str, str]:
    """Whether a process was started for this session's last answer; nothing before there is one."""
    answered = history.entries()
    cold = answered[-1].prediction.cold_start if answered else None
    return {} if cold is None else {"Last answer": "cold start" if cold else "warm"}


def _uptime(found: Health) -> str:
    minutes = int(found.uptime_s // 60)
    if minutes < 1:
        return "Just started."
    if minutes < 120:
        return f"Up for {minutes} min."
    return f"Up for {minutes // 60} h."
