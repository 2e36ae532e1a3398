"""Where pictures come from: files, the camera, an address on the web, samples."""

from html import escape
from time import monotonic

import streamlit as st

from frontend import samples
from frontend import session as given
from frontend.session import Given
from frontend.url_fetch import MAX_FETCHED_BYTES, NotFetched, fetch
from frontend.views import notices

SUFFIXES = ["jpg", "jpeg", "png", "webp"]
MAX_PICTURES = 60  # at a time; each takes some megabytes of this server's memory

_FETCHED = "lc-fetched"
_SOURCES = {
    "Upload": ":material/upload: Upload",
    "Camera": ":material/photo_camera: Camera",
    "Web": ":material/link: Web",
    "Samples": ":material/photo_library: Samples",
}


def choose() -> list[Given]:
    """Draw the ways to give pictures, and return those given by the way that is open."""
    st.html('<h2 class="lc-title">Your picture</h2>')
    source = st.segmented_control(
        "Where the picture comes from",
        list(_SOURCES),
        default="Upload",
        required=True,
        format_func=_SOURCES.__getitem__,
        key="lc-source",
        label_visibility="collapsed",
        width="stretch",
    )
    match source:
        case "Camera":
            pictures = _from_camera()
        case "Web":
            pictures = _from_the_web()
        case "Samples":
            pictures = _from_samples()
        case _:
            pictures = _from_files()
    given.forget_all_but(pictures)
    return list(pictures.values())


def _from_files() -> dict[str, Given]:
    files = st.file_uploader(
        "Drop pictures here: one or several, JPG, PNG or WebP",
        type=SUFFIXES,
        accept_multiple_files=True,
        key="lc-files",
    )
    if len(files) > MAX_PICTURES:
        notices.box(
            f"{len(files)} pictures are too many at a time",
            f"The first {MAX_PICTURES} are answered.",
            passing=True,
        )
    return {
        file.file_id: given.read(file.file_id, file.name, file.getvalue)
        for file in files[:MAX_PICTURES]
    }


def _from_camera() -> dict[str, Given]:
    file = st.camera_input("Take a picture", key="lc-camera", resolution="720p")
    if file is None:
        st.caption(
            "The browser asks whether this page may use the camera. If it may not, a picture "
            "can still be uploaded."
        )
        return {}
    return {file.file_id: given.read(file.file_id, "camera.jpg", file.getvalue)}


def _from_the_web() -> dict[str, Given]:
    with st.form("lc-web", border=False):
        address = st.text_input(
            "Address of a picture on the web",
            placeholder="https://example.org/beach.jpg",
            max_chars=2000,
            key="lc-address",
        )
        asked = st.form_submit_button("Get the picture", icon=":material/download:", type="primary")
    st.caption(
        "This page's server fetches it, from public addresses only, up to "
        f"{MAX_FETCHED_BYTES / 1e6:.0f} MB."
    )
    if asked and address:
        with st.spinner("Fetching the picture …"):
            st.session_state[_FETCHED] = _fetched(address)
    match st.session_state.get(_FETCHED):
        case Given() as picture:
            return {"web": picture}
        case NotFetched() as error:
            notices.box("No picture from this address", str(error))
    return {}


def _fetched(address: str) -> Given | NotFetched:
    try:
        content, name = fetch(address)
    except NotFetched as error:
        return error
    return given.read(f"{address} {monotonic()}", name, lambda: content)


def _from_samples() -> dict[str, Given]:
    chosen: samples.Sample | None = st.session_state.get("lc-sample")
    with st.container(key="lc-samples"):
        for number, sample in enumerate(samples.shipped()):
            with st.container(key=f"lc-sample-{number}"):
                picked = " lc-picked" if sample == chosen else ""
                st.html(f'<img class="lc-sample{picked}" src="{sample.thumbnail}" alt="">')
                st.button(
                    sample.title,
                    key=f"lc-sample-button-{number}",
                    width="stretch",
                    on_click=_choose_sample,
                    args=(sample,),
                )
    st.html(f'<p class="lc-soft">{escape(samples.CREDIT)}</p>')
    if chosen is None:
        return {}
    return {chosen.name: given.read(chosen.name, chosen.name, chosen.read)}


def _choose_sample(sample: samples.Sample) -> None:
    st.session_state["lc-sample"] = sample
