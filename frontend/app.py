"""The page. Start it from the repository's root: `streamlit run frontend/app.py`."""

import sys
from html import escape
from pathlib import Path

# `streamlit run` puts this file's folder on the path, not the root that holds `frontend`.
if (root := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.insert(0, root)

import streamlit as st
from pydantic import SecretStr

from frontend import answer, status
from frontend.api_answers import Prediction
from frontend.api_client import ApiClient
from frontend.api_errors import ApiError, NotReady
from frontend.images import UnusablePicture, Upload, megabytes, prepare
from frontend.messages import explain
from frontend.settings import DEFAULT_TITLE, NotConfigured, load_settings

SUFFIXES = ["jpg", "jpeg", "png", "webp"]


def main() -> None:
    """Compose the page from top to bottom."""
    try:
        settings = load_settings(_secrets())
    except NotConfigured as error:
        _open(DEFAULT_TITLE)
        status.show_not_configured()
        _show_error(error)
        return
    _open(settings.page_title)
    left, right = st.columns(2, gap="medium")
    with left, st.container(key="lc-picture"):
        upload = _picture()
    # Asked after the picture is drawn: an API that is down holds up nothing that a person sees.
    client = _client(settings.api_url, settings.api_username, settings.api_password)
    found = status.health(client)
    status.show(found)
    with right, st.container(key="lc-answer"):
        if upload is None:
            st.html('<p class="lc-empty">Drop a picture, and its answer appears here.</p>')
        elif isinstance(found, NotReady):  # sending the picture would only mean waiting
            _show_error(found)
        else:
            _answer(client, upload)


def _secrets() -> dict[str, object]:
    return dict(st.secrets) if st.secrets.load_if_toml_exists() else {}


@st.cache_resource(
    scope="session",
    max_entries=1,
    show_spinner=False,
    hash_funcs={SecretStr: SecretStr.get_secret_value},
    on_release=ApiClient.close,
)
def _client(api_url: str, username: str, password: SecretStr) -> ApiClient:
    """Connect to the API: one connection a visitor, made anew where the settings change."""
    return ApiClient(api_url, username, password.get_secret_value())


def _open(title: str) -> None:
    st.set_page_config(page_title=title, page_icon="🏞️", layout="wide")
    st.html(Path(__file__).with_name("theme.css"))
    st.html(
        f'<header class="lc-hero"><h1>{escape(title)}</h1>'
        "<p>Drop a picture and see what the network makes of it, and how sure it is.</p></header>"
    )


def _picture() -> Upload | None:
    file = st.file_uploader("Your picture", type=SUFFIXES)
    if file is None:
        return None
    try:
        upload = _prepared(file.getvalue(), file.name)
    except UnusablePicture as error:
        _show_error(error)
        return None
    st.image(upload.preview, alt="Preview of your picture", width="stretch")
    st.caption(
        f"{upload.format} · {upload.width} × {upload.height} pixels · "
        f"{megabytes(upload.given_bytes)}"
    )
    if upload.note:
        st.info(upload.note, icon=":material/photo_size_select_large:")
    return upload


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _prepared(data: bytes, filename: str) -> Upload:
    return prepare(data, filename)


def _answer(client: ApiClient, upload: Upload) -> None:
    answered = answer.ask(client, upload)
    if isinstance(answered, Prediction):
        answer.show(answered)
    else:
        _show_error(answered)


def _show_error(error: ApiError | UnusablePicture | NotConfigured) -> None:
    message = explain(error)
    points = "".join(f"<li>{escape(point)}</li>" for point in message.points)
    st.html(
        f'<div class="lc-error" role="alert"><strong>{escape(message.title)}</strong>'
        f"<p>{escape(message.text)}</p>{f'<ul>{points}</ul>' if points else ''}</div>"
    )
    if message.retry:
        st.button("Try again", icon=":material/refresh:", on_click=status.health.clear)


main()
