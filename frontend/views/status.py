"""The status line under the heading: health of the API, its model and its uptime."""

from html import escape

import streamlit as st

from frontend.api.errors import ApiError, NotReady, TimedOut
from frontend.api.health_watch import HealthResult
from frontend.api.predictions import Health
from frontend.page_context import PageContext
from frontend.session import current_session
from frontend.views.markup import definitions
from frontend.views.messages import message_for

INTERVAL_NOT_READY_S = 2
INTERVAL_READY_S = 20  # a shorter one would keep a Lambda instance warm


def draw_status(page: PageContext) -> None:
    """Draw the status line, which updates itself.

    If the API becomes ready, or stops being ready, the whole page is drawn again.
    """
    state = _state(page.health)
    interval_s = INTERVAL_READY_S if state == "ready" else INTERVAL_NOT_READY_S

    @st.fragment(run_every=interval_s)
    def line() -> None:
        latest = page.watch.latest()
        if _state(latest) != state:
            st.rerun()
        _draw_line(latest, page)

    line()


def draw_not_configured() -> None:
    """Draw the status line of a page without valid settings."""
    with st.container(key="lc-status"):
        st.html(_indicator("down", "Not configured", "The settings are missing or invalid."))


def _draw_line(health: HealthResult | None, page: PageContext) -> None:
    state = _state(health)
    with st.container(key="lc-status", horizontal=True, vertical_alignment="center"):
        match health:
            case None:
                st.html(_indicator(state, "Connecting …", "Checking the service."))
            case Health():
                facts = definitions("lc-line", _facts(health))
                st.html(_indicator(state, "Ready", _uptime(health)) + facts)
            case TimedOut():
                detail = "The service is waking up. This can take up to 30 s."
                st.html(_indicator(state, "Starting up", detail))
            case NotReady():
                st.html(_indicator(state, "Not ready", str(health)))
            case ApiError():
                message = message_for(health)
                st.html(_indicator(state, message.title, message.text))
        st.button(
            "Check again",
            icon=":material/refresh:",
            key="lc-check",
            type="tertiary",
            on_click=page.watch.expire,
        )


def _state(health: HealthResult | None) -> str:
    match health:
        case Health():
            return "ready"
        case None:
            return "waiting"
        case _:
            return "waiting" if message_for(health).temporary else "down"


def _indicator(state: str, title: str, detail: str) -> str:
    return (
        f'<div class="lc-status lc-{state}" role="status"><span class="lc-dot"></span>'
        f"<div><strong>{escape(title)}</strong><span>{escape(detail)}</span></div></div>"
    )


def _facts(health: Health) -> dict[str, str]:
    facts = {
        "Model": health.model.name,
        "Version": health.model.version,
        "Loaded in": f"{health.load_ms:.0f} ms",
    }
    history = current_session().history
    if history and (cold := history[-1].prediction.cold_start) is not None:
        facts["Last prediction"] = "cold start" if cold else "warm"
    return facts


def _uptime(health: Health) -> str:
    minutes = int(health.uptime_s // 60)
    if minutes < 1:
        return "Just started."
    if minutes < 120:
        return f"Up for {minutes} min."
    return f"Up for {minutes // 60} h."
