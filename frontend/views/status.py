"""The status line under the heading: whether the API is ready, and facts for its operator."""

from html import escape

import streamlit as st

from frontend.api.errors import ApiError, NotReady, TimedOut, WrongCredentials
from frontend.api.predictions import Health
from frontend.api.watches import HealthResult, ModelResult
from frontend.page_context import PageContext
from frontend.predictions import forget_old_failure
from frontend.views.markup import definitions, for_operator
from frontend.views.messages import message_for

INTERVAL_NOT_READY_S = 2
INTERVAL_READY_S = 20  # a shorter one would keep a Lambda instance warm
_CHECKED_KEY = "lc-checked"  # in the session state, true during the run after a click


def draw_status(page: PageContext) -> None:
    """Draw the status line, which updates itself.

    The whole page is drawn again if the API becomes ready, if it stops being ready, and if a failed
    request can be sent again.
    """
    state = _state(page.health, page.model)
    interval_s = INTERVAL_READY_S if state == "ready" else INTERVAL_NOT_READY_S

    @st.fragment(run_every=interval_s)
    def line() -> None:
        health, model = page.watch.latest(), page.models.latest()
        if _state(health, model) != state or forget_old_failure(page.client, health):
            if isinstance(health, Health) and not isinstance(page.health, Health):
                page.models.expire()  # the API was started again, perhaps with other settings
            st.rerun()
        _draw_line(health, model, page)

    line()


def draw_not_configured() -> None:
    """Draw the status line of a page without valid settings."""
    with st.container(key="lc-status"):
        st.html(_indicator("down", "Not configured", "The settings are missing or invalid."))


def _draw_line(health: HealthResult | None, model: ModelResult | None, page: PageContext) -> None:
    state = _state(health, model)
    with st.container(key="lc-status", horizontal=True, vertical_alignment="center"):
        title, detail = _words(health, model)
        if st.session_state.pop(_CHECKED_KEY, False):
            detail = "Checked just now."
        facts = ""
        if isinstance(health, Health):
            facts = for_operator(definitions("lc-line", _facts(health)))
        elif isinstance(health, ApiError):
            facts = for_operator(escape(message_for(health).operator))
        st.html(_indicator(state, title, detail) + facts)
        st.button(
            "Check again",
            icon=":material/refresh:",
            key="lc-check",
            type="tertiary",
            on_click=_check_again,
            args=(page,),
        )


def _check_again(page: PageContext) -> None:
    page.check_again()
    st.session_state[_CHECKED_KEY] = True


def _state(health: HealthResult | None, model: ModelResult | None) -> str:
    match health:
        case Health():
            return "down" if isinstance(model, WrongCredentials) else "ready"
        case None:
            return "waiting"
        case _:
            return "waiting" if message_for(health).temporary else "down"


def _words(health: HealthResult | None, model: ModelResult | None) -> tuple[str, str]:
    match health:
        case None:
            return "Connecting …", "Checking the service."
        case Health() if isinstance(model, WrongCredentials):
            return "Not signed in", "Photos cannot be classified at the moment."
        case Health():
            return "Ready", f"Model {health.model.name}, {len(health.classes)} classes."
        case TimedOut():
            return "Starting up", "The service is waking up. This can take up to 30 s."
        case NotReady():
            return "Not ready", "Photos cannot be classified at the moment."
        case ApiError():
            return "Not available", f"{message_for(health).title}."


def _indicator(state: str, title: str, detail: str) -> str:
    return (
        f'<div class="lc-status lc-{state}" role="status"><span class="lc-dot"></span>'
        f"<div><strong>{escape(title)}</strong><span>{escape(detail)}</span></div></div>"
    )


def _facts(health: Health) -> dict[str, str]:
    return {
        "Version": health.model.version,
        "Loaded in": f"{health.load_ms:.0f} ms",
        "Running for": _uptime(health),
    }


def _uptime(health: Health) -> str:
    minutes = int(health.uptime_s // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
