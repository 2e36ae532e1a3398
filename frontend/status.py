"""The side bar: is the API there, and with which model."""

from html import escape

import streamlit as st

from frontend.api_answers import Health
from frontend.api_client import ApiClient
from frontend.api_errors import ApiError, NotReady
from frontend.messages import explain

_FRESH_S = 5  # a health answer serves every visitor for this long


@st.cache_data(
    ttl=_FRESH_S, show_spinner=False, hash_funcs={ApiClient: lambda client: client.base_url}
)
def health(client: ApiClient) -> Health | ApiError:
    """Ask for the API's health; an error is returned, not raised, so that it is cached too."""
    try:
        return client.health()
    except ApiError as error:
        return error


def show(found: Health | ApiError) -> None:
    """Draw the panel."""
    with st.sidebar:
        st.html('<h2 class="lc-side-title">System status</h2>')
        match found:
            case Health():
                _indicator("ready", "Ready", _uptime(found))
                _model(found)
            case NotReady():
                _indicator("waiting", "Not ready", str(found))
            case ApiError():
                message = explain(found)
                _indicator("down", message.title, message.text)
        st.button("Check again", icon=":material/refresh:", on_click=health.clear, width="stretch")


def show_not_configured() -> None:
    """Draw the panel of a page that does not know its API."""
    with st.sidebar:
        st.html('<h2 class="lc-side-title">System status</h2>')
        _indicator("down", "Not configured", "The page does not know its API yet.")


def _indicator(state: str, word: str, detail: str) -> None:
    st.html(
        f'<div class="lc-status lc-{state}" role="status"><span class="lc-dot"></span>'
        f"<div><strong>{escape(word)}</strong><p>{escape(detail)}</p></div></div>"
    )


def _model(found: Health) -> None:
    classes = "".join(f"<li>{escape(label)}</li>" for label in found.classes)
    st.html(
        '<dl class="lc-facts">'
        f"<dt>Model</dt><dd>{escape(found.model.name)}</dd>"
        f"<dt>Version</dt><dd><code>{escape(found.model.version)}</code></dd>"
        f"<dt>Loaded in</dt><dd>{found.load_ms:.0f} ms</dd></dl>"
        f'<h3 class="lc-side-title">{len(found.classes)} classes</h3>'
        f'<ul class="lc-chips">{classes}</ul>'
    )


def _uptime(found: Health) -> str:
    minutes = int(found.uptime_s // 60)
    if minutes < 1:
        return "Just started."
    if minutes < 120:
        return f"Up for {minutes} min."
    return f"Up for {minutes // 60} h."
