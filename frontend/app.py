"""The page. Start it in the repository's root: `streamlit run frontend/app.py`."""

import gc
import sys
from functools import partial
from html import escape
from pathlib import Path

# `streamlit run` adds this file's folder to the path, not the root, which contains `frontend`.
if (root := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.insert(0, root)

import streamlit as st
from pydantic import SecretStr
from streamlit.errors import StreamlitSecretNotFoundError

from frontend.api.client import ApiClient
from frontend.api.manifest import Manifest
from frontend.api.predictions import Health
from frontend.api.watches import FRESH_S, HealthWatch, ModelWatch
from frontend.class_cards import ClassCards
from frontend.login import TOKENS
from frontend.page_context import PageContext
from frontend.predictions import forget_old_failure
from frontend.settings import DEFAULT_TITLE, NotConfigured, Settings, load_settings
from frontend.style import style_element
from frontend.tabs.classify import draw_classify
from frontend.tabs.model import draw_model
from frontend.tabs.session import draw_session
from frontend.views.login import draw_login, visitor_token
from frontend.views.notices import draw_error
from frontend.views.status import draw_not_configured, draw_status

TABS = ("Classify", "This session", "The model")


def main() -> None:
    """Draw the page from top to bottom."""
    try:
        settings = load_settings(_secrets())
    except NotConfigured as error:
        _draw_header(DEFAULT_TITLE)
        draw_not_configured()
        draw_error(error)
        return
    _draw_header(settings.page_title)
    if not draw_login(settings):
        return
    page = _page_context(settings)
    forget_old_failure(page.client, page.health)  # or the status line would start another run
    draw_status(page)
    classify, session, model = st.tabs(TABS, key="tab", bind="query-params")
    if session.open:
        with session, st.container(key="lc-session"):
            draw_session(page.cards)
    if model.open:
        with model:
            draw_model(page)
    with classify:  # drawn even if closed, so that work on a batch goes on
        draw_classify(page)


def _page_context(settings: Settings) -> PageContext:
    access = _access(settings)
    client, watch = _client(*access), _watch(settings.api_url)
    with_token = access[-1].get_secret_value() != ""
    models = _visitors_models(*access) if with_token else _models(*access)
    model, health = models.latest(), watch.latest()
    if (
        isinstance(health, Health)
        and isinstance(model, Manifest)
        and model.version != health.model.version
    ):
        models.expire(FRESH_S)  # two versions may serve during a deployment
        model = models.latest()
    return PageContext(
        client=client,
        watch=watch,
        models=models,
        health=health,
        model=model,
        cards=ClassCards(settings.class_descriptions),
        api_url=settings.api_url,
        api_auth=settings.api_auth,
    )


def _secrets() -> dict[str, object]:
    try:
        return dict(st.secrets)
    except StreamlitSecretNotFoundError as error:
        if error.error_id == "no-secrets-found":
            return {}
        raise NotConfigured((f"{error}.",)) from error  # the text has file and line


def _access(settings: Settings) -> tuple[str, str, SecretStr, SecretStr]:
    token = visitor_token(TOKENS[settings.api_auth]) if settings.api_auth in TOKENS else ""
    return settings.api_url, settings.api_username, settings.api_password, SecretStr(token)


_cache = partial(
    st.cache_resource,
    show_spinner=False,
    hash_funcs={SecretStr: SecretStr.get_secret_value},
)


@_cache(scope="session", max_entries=1, on_release=ApiClient.close)
def _client(api_url: str, username: str, password: SecretStr, token: SecretStr) -> ApiClient:
    """Connect to the API: one connection per visitor, renewed if settings or token change."""
    return _new_client(api_url, username, password, token)


def _new_client(api_url: str, username: str, password: SecretStr, token: SecretStr) -> ApiClient:
    if token.get_secret_value():
        return ApiClient(api_url, token=token.get_secret_value)
    return ApiClient(api_url, username, password.get_secret_value())


@_cache(max_entries=1)
def _watch(api_url: str) -> HealthWatch:
    """Watch the API's health, without credentials: one thread for all visitors."""
    return HealthWatch(ApiClient(api_url).health)


@_cache(max_entries=1)
def _models(api_url: str, username: str, password: SecretStr, token: SecretStr) -> ModelWatch:
    """Watch the model's manifest and the page's credentials: one thread for all visitors."""
    return ModelWatch(_new_client(api_url, username, password, token).model)


@_cache(scope="session", max_entries=1)
def _visitors_models(
    api_url: str, username: str, password: SecretStr, token: SecretStr
) -> ModelWatch:
    """As `_models`, with the visitor's own token."""
    return ModelWatch(_new_client(api_url, username, password, token).model)


def _draw_header(title: str) -> None:
    # A local file: for an emoji or a symbol, browsers would load the icon from a Google server.
    icon = str(Path(__file__).with_name("icon.png"))
    st.set_page_config(page_title=title, page_icon=icon, layout="wide")
    st.html(style_element())  # one element: with several, the page would move
    with st.container(key="lc-header"):
        st.html(
            f'<header class="lc-hero"><h1>{escape(title)}</h1>'
            "<p>Which scene is it? Upload a photo and get its category, with a confidence you can "
            "trust.</p></header>"
        )


@_cache()
def _freeze_modules() -> None:
    """Once per process, exempt the imported modules from the garbage collections.

    Streamlit starts one after each run. It took 70 ms, in which no other visitor's run went on.
    """
    gc.collect()
    gc.freeze()


main()
_freeze_modules()
