"""The ways to add pictures: files, the camera, a URL, samples."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import streamlit as st

from frontend.images import FORMAT_NAMES, SUFFIXES
from frontend.samples import CREDIT, shipped_samples
from frontend.session import MAX_PICTURES, Input, current_session, decode_input
from frontend.url_fetch import MAX_FETCHED_BYTES, NotFetched, fetch
from frontend.views.notices import draw_notice


def choose_pictures() -> list[Input]:
    """Draw the choice of sources and the open one, and return the pictures of the open one."""
    st.html('<h2 class="lc-title">Your photo</h2>')
    name = st.segmented_control(
        "Source of the photo",
        list(_SOURCES),
        default="Upload",
        required=True,
        format_func=lambda name: f"{_SOURCES[name].icon} {name}",
        key="lc-source",
        label_visibility="collapsed",
        width="stretch",
    )
    pictures = _SOURCES[name].draw()
    current_session().drop_inputs_except(pictures)
    return list(pictures.values())


def _draw_upload() -> dict[str, Input]:
    files = st.file_uploader(
        f"Drag photos here, or browse ({FORMAT_NAMES}; up to {MAX_PICTURES})",
        type=sorted(SUFFIXES),
        accept_multiple_files=True,
        key="lc-files",
    )
    if len(files) > MAX_PICTURES:
        draw_notice(
            f"Up to {MAX_PICTURES} photos at a time",
            f"Only the first {MAX_PICTURES} of {len(files)} photos are classified.",
            temporary=True,
        )
    return {
        file.file_id: current_session().read_input(file.file_id, file.name, file.getvalue)
        for file in files[:MAX_PICTURES]
    }


def _draw_camera() -> dict[str, Input]:
    file = st.camera_input("Take a photo", key="lc-camera", resolution="720p")
    if file is None:
        st.caption(
            "Your browser will request permission to use the camera. Without it, you can still "
            "upload a photo."
        )
        return {}
    return {file.file_id: current_session().read_input(file.file_id, "camera.jpg", file.getvalue)}


def _draw_web() -> dict[str, Input]:
    with st.form("lc-web", border=False):
        url = st.text_input(
            "Web address of a photo",
            placeholder="https://example.org/beach.jpg",
            max_chars=2000,
            key="lc-address",
        )
        submitted = st.form_submit_button("Load photo", icon=":material/download:", type="primary")
    st.caption(
        "The server of this page downloads the photo. It must be on the public internet, and at "
        f"most {MAX_FETCHED_BYTES / 1e6:.0f} MB."
    )
    session = current_session()
    if submitted and url:
        with st.spinner("Loading the photo …"):
            session.fetched = _fetch(url)
    match session.fetched:
        case Input() as picture:
            return {"web": picture}
        case NotFetched() as error:
            draw_notice("Could not load this photo", str(error))
    return {}


def _fetch(url: str) -> Input | NotFetched:
    try:
        content, name = fetch(url)
    except NotFetched as error:
        return error
    return decode_input(name, content)


def _draw_samples() -> dict[str, Input]:
    session = current_session()
    chosen = None
    with st.container(key="lc-samples"):
        for number, sample in enumerate(shipped_samples()):
            picked = ""
            if sample.name == session.sample:
                chosen, picked = sample, " lc-picked"
            with st.container(key=f"lc-sample-{number}"):
                st.html(f'<img class="lc-sample{picked}" src="{sample.thumbnail}" alt="">')
                st.button(
                    sample.title,
                    key=f"lc-sample-button-{number}",
                    width="stretch",
                    on_click=_choose_sample,
                    args=(sample.name,),
                )
    st.html(f'<p class="lc-soft">{escape(CREDIT)}</p>')
    if chosen is None:
        return {}
    return {chosen.name: session.read_input(chosen.name, chosen.name, chosen.read)}


def _choose_sample(name: str) -> None:
    current_session().sample = name


@dataclass(frozen=True, slots=True)
class _Source:
    """A way to add pictures: its icon, and a function that draws it and returns the pictures."""

    icon: str
    draw: Callable[[], dict[str, Input]]


_SOURCES = {
    "Upload": _Source(":material/upload:", _draw_upload),
    "Camera": _Source(":material/photo_camera:", _draw_camera),
    "Web": _Source(":material/link:", _draw_web),
    "Samples": _Source(":material/photo_library:", _draw_samples),
}
