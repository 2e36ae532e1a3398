"""Log-in and log-out of visitors."""

from html import escape
from time import time

import streamlit as st

from frontend.login import Access, LoginSettings, access
from frontend.views.notices import draw_notice


def draw_login(settings: LoginSettings) -> bool:
    """Draw who is logged in, or the button to log in.

    Returns:
        Whether the visitor may use the page. If not, draw nothing else.
    """
    if not settings.page_login:
        return True
    if not st.user.is_logged_in:
        draw_notice("Log in to continue", "This page is for authorized users.", temporary=True)
        _log_in_button("Log in")
        return False
    match access(settings, st.user.to_dict(), time()):
        case Access.EXPIRED:
            draw_notice("Your login has expired", "Log in again to continue.", temporary=True)
            _log_in_button("Log in again")
            return False
        case Access.REFUSED:
            draw_notice(
                "This account has no access",
                f"You are logged in as {_name()}. Ask the operator of this page for access, or log "
                "out and use another account.",
            )
            _log_out_button()
            return False
        case Access.ADMITTED:
            with st.container(key="lc-user", horizontal=True, vertical_alignment="center"):
                st.html(f'<p class="lc-user">Logged in as {escape(_name())}</p>')
                _log_out_button()
            return True


def visitor_token(name: str) -> str:
    """Return the visitor's token for the API: Streamlit's token "id" or "access"."""
    token: str = st.user.tokens[name]
    return token


def _name() -> str:
    user = st.user.to_dict()
    return str(user.get("email") or user.get("name") or user.get("sub"))


def _log_in_button(label: str) -> None:
    st.button(label, icon=":material/login:", key="lc-login", type="primary", on_click=st.login)


def _log_out_button() -> None:
    st.button(
        "Log out", icon=":material/logout:", key="lc-logout", type="tertiary", on_click=st.logout
    )
