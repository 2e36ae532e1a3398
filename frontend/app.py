"""The page. Start it from the repository's root: `streamlit run frontend/app.py`."""

import sys
from functools import partial
from html import escape
from pathlib import Path

# `streamlit run` puts this file's folder on the path, not the root that holds `frontend`.
if (root := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.insert(0, root)

import streamlit as st
from pydantic import SecretStr
from streamlit.errors import StreamlitSecretNotFoundError

from frontend.api.client import ApiClient
from frontend.api.health_watch import HealthWatch
from frontend.class_cards import ClassCards
from frontend.settings import DEFAULT_TITLE, NotConfigured, Settings, load_settings
from frontend.tabs import classify
from frontend.tabs import model as model_page
from frontend.tabs import session as history
from frontend.views import batch as several
from frontend.views import inputs as sources
from frontend.views import notices, status

TABS = ("Classify", "This session", "The model")


def main() -> None:
    """Compose the page from top to bottom."""
    try:
        settings = load_settings(_secrets())
    except NotConfigured as error:
        _open(DEFAULT_TITLE)
        status.show_not_configured()
        notices.show(error)
        return
    _open(settings.page_title)
    client, watch = _client(*_access(settings)), _watch(*_access(settings))
    cards = ClassCards(settings.class_descriptions)
    line = st.container()  # filled last: it tells of the last answer too
    found = watch.latest()
    first, session, model = st.tabs(TABS, key="lc-tab", on_change="rerun")
    with first:  # always drawn: a widget that is not drawn forgets its picture
        left, right = st.columns(2, gap="medium")
        with left, st.container(key="lc-picture"):
            pictures = sources.choose()
            classify.preview(pictures)
        with right, st.container(key="lc-answer"):
            rows = classify.draw_answers(pictures, client, cards, found, watch.forget)
        if rows:
            with st.container(key="lc-all"):
                several.show_by_label(rows, cards)
                several.show_table(rows, cards)
                classify.show_one(rows, client, cards, watch.forget)
    with line:
        status.show(watch, found)
    if session.open:
        with session, st.container(key="lc-session"):
            history.show(cards)
    if model.open:
        with model:
            model_page.show(client, cards, watch.forget)


def _secrets() -> dict[str, object]:
    try:
        return dict(st.secrets)
    except StreamlitSecretNotFoundError as error:
        if error.error_id == "no-secrets-found":
            return {}
        raise NotConfigured((f"{error}.",)) from error  # names the file and the line


def _access(settings: Settings) -> tuple[str, str, SecretStr]:
    return settings.api_url, settings.api_username, settings.api_password


_cache = partial(
    st.cache_resource,
    show_spinner=False,
    hash_funcs={SecretStr: SecretStr.get_secret_value},
)


@_cache(scope="session", max_entries=1, on_release=ApiClient.close)
def _client(api_url: str, username: str, password: SecretStr) -> ApiClient:
    """Connect to the API: one connection a visitor, made anew where the settings change."""
    return ApiClient(api_url, username, password.get_secret_value())


@_cache(max_entries=1)
def _watch(api_url: str, username: str, password: SecretStr) -> HealthWatch:
    """Watch the API: one thread for all visitors, with a connection of its own."""
    return HealthWatch(ApiClient(api_url, username, password.get_secret_value()).health)


def _open(title: str) -> None:
    folder = Path(__file__).parent
    # A file of our own: for an emoji or a symbol, browsers would be sent to a server of Google's.
    icon = str(folder / "icon.png")
    st.set_page_config(page_title=title, page_icon=icon, layout="wide")
    for sheet in (folder / "theme.css", *sorted((folder / "styles").glob("*.css"))):
        st.html(sheet)
    st.html(
        f'<header class="lc-hero"><h1>{escape(title)}</h1>'
        "<p>Drop a picture and see what the network makes of it, and how sure it is.</p></header>"
    )


main()
