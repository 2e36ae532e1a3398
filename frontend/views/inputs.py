"""The ways to add photos: files, the camera, a URL, samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.images import FORMAT_NAMES
from frontend.photos import MAX_PHOTOS, MAX_TOTAL_BYTES, Photo, PhotoList, SkippedFile
from frontend.samples import CREDIT, shipped_samples
from frontend.session import current_session
from frontend.url_fetch import MAX_FETCHED_BYTES, NotFetched, fetch
from frontend.views.markup import fold
from frontend.views.notices import draw_notice

SOURCE_KEY = "source"  # in the session state and in the page's address
SAMPLE_KEY = "sample"  # in the page's address
_FIRST_SAMPLE = "mountains.jpg"
_UPLOAD, _CAMERA, _WEB, _SAMPLES = "Upload", "Camera", "Web", "Samples"
_LISTED = 100  # skipped files
_SMALL_BYTES = 8_000_000  # of files that are read without a message


def draw_inputs() -> None:
    """Draw the choice of sources and the open one."""
    _read_address()
    name = st.segmented_control(
        "Source of the photo",
        list(_SOURCES),
        required=True,
        format_func=lambda name: f"{_SOURCES[name].icon} {name}",
        key=SOURCE_KEY,
        label_visibility="collapsed",
        width="stretch",
    )
    if name != _CAMERA:
        current_session().camera_has_photo = False
    name = str(name)  # required: never None
    _write_address(name)
    _SOURCES[name].draw()


def current_photos() -> list[Photo]:
    """Return the photos of the open source. Each source keeps its own."""
    _read_address()
    return _SOURCES[st.session_state[SOURCE_KEY]].photos()


def _read_address() -> None:
    """At the start of a visit, open the source and the sample in the page's address."""
    if SOURCE_KEY in st.session_state:
        return
    address = {key: st.query_params.get(key, "") for key in (SOURCE_KEY, SAMPLE_KEY)}
    name = address[SOURCE_KEY]
    st.session_state[SOURCE_KEY] = name if name in _SOURCES else _UPLOAD
    current_session().address, current_session().sample = address, address[SAMPLE_KEY]


def _write_address(source: str) -> None:
    """Write the open source and its sample.

    With a click, the browser sends its address, which may be older than what was sent last.
    """
    session = current_session()
    sample = session.sample if source == _SAMPLES else ""
    for key, value in ((SOURCE_KEY, source if source != _UPLOAD else ""), (SAMPLE_KEY, sample)):
        if value != session.address.get(key) or value != st.query_params.get(key, ""):
            session.address[key] = value
            if value or key not in st.query_params:
                st.query_params[key] = value
            if not value:
                del st.query_params[key]


def open_sample() -> None:
    """Open a sample in the next run."""
    st.session_state[SOURCE_KEY] = _SAMPLES
    _choose_sample(_FIRST_SAMPLE)


def _draw_upload() -> None:
    session = current_session()
    whole_folder = st.session_state.get("lc-folder", False)
    key = _files_key()
    files = st.file_uploader(
        "Drag photos, a folder or a ZIP file here",
        type=None,  # other files are skipped with a reason
        accept_multiple_files="directory" if whole_folder else True,
        max_upload_size=int(MAX_TOTAL_BYTES / 1e6),
        key=key,
        on_change=_take_over_small,
        args=(key,),
    )
    with st.container(key="lc-upload-options", horizontal=True, vertical_alignment="center"):
        st.html(
            f'<p class="lc-soft">{FORMAT_NAMES}, or ZIP. Up to {MAX_PHOTOS} photos.</p>',
            width="content",
        )
        st.toggle("Choose a folder", key="lc-folder")
    if files:  # large: they take a while
        with st.spinner("Reading the files …"):
            _take_over(files)
        st.rerun()
    _draw_upload_list(session.uploads)


def _files_key() -> str:
    return f"lc-files-{current_session().uploader}"


def _take_over_small(key: str) -> None:
    """Take over small files before the run, which then needs no second one to classify them."""
    if key != _files_key():  # the browser may report the files again until the widget is replaced
        return
    files: list[UploadedFile] = st.session_state[key]
    if sum(file.size for file in files) <= _SMALL_BYTES:
        _take_over(files)


def _take_over(files: Sequence[UploadedFile]) -> None:
    """Keep uploaded files in the session, and empty the widget, which would keep a copy."""
    session = current_session()
    added = session.uploads.add([(file.name, file.getvalue()) for file in files])
    session.uploader += 1
    if len(added) == 1:
        session.opened = added[0].id


def _draw_upload_list(uploads: PhotoList) -> None:
    if uploads.skipped:
        _draw_skipped(uploads.skipped)
    if uploads.photos:
        several = len(uploads.photos) > 1
        st.button(
            f"Remove all {len(uploads.photos)} photos" if several else "Remove this photo",
            icon=":material/delete:",
            key="lc-remove",
            type="tertiary",
            on_click=_remove_all,
        )


def _draw_skipped(skipped: list[SkippedFile]) -> None:
    files = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
    rows = "".join(
        f"<li><strong>{escape(one.name)}</strong>: {escape(one.reason)}</li>"
        for one in skipped[:_LISTED]
    )
    more = len(skipped) - _LISTED
    rest = f"<li>and {more} more</li>" if more > 0 else ""
    st.html(
        f'<div class="lc-skipped" role="status">'
        f"{fold(f'{files} skipped', f'<ul>{rows}{rest}</ul>')}</div>"
    )


def _remove_all() -> None:
    session = current_session()
    session.uploads = PhotoList()
    session.opened = None


def _draw_camera() -> None:
    session = current_session()
    file = st.camera_input("Take a photo", key="lc-camera", resolution="720p")
    if file is not None:
        content = file.getvalue()
        if session.camera is None or session.camera.data != content:
            session.camera = Photo("camera.jpg", content)
    elif session.camera_has_photo:  # "Clear photo" was clicked
        session.camera = None
    session.camera_has_photo = file is not None
    if session.camera is None:
        st.caption(
            "Your browser will request permission to use the camera. Without it, you can still "
            "upload a photo."
        )


def _draw_web() -> None:
    with st.form("lc-web", border=False):
        url = st.text_input(
            "Web address of a photo",
            placeholder="https://example.org/beach.jpg",
            max_chars=2000,
            key="lc-address",
            persist_state="session",
        )
        submitted = st.form_submit_button("Load photo", icon=":material/download:", type="primary")
    st.caption(
        "The server of this page downloads the photo. It must be on the public internet, and at "
        f"most {MAX_FETCHED_BYTES / 1e6:.0f} MB."
    )
    session = current_session()
    if submitted and url:
        with st.spinner("Loading the photo …", show_time=True):
            session.fetched = _fetch(url)
    if isinstance(session.fetched, NotFetched):
        draw_notice("Could not load this photo", str(session.fetched))


def _fetch(url: str) -> Photo | NotFetched:
    try:
        content, name = fetch(url)
    except NotFetched as error:
        return error
    return Photo(name, content)


def _draw_samples() -> None:
    chosen = current_session().sample
    with st.container(key="lc-samples"):
        for number, sample in enumerate(shipped_samples().values()):
            is_chosen = sample.name == chosen
            style = "lc-sample lc-picked" if is_chosen else "lc-sample"
            with st.container(key=f"lc-sample-{number}"):
                st.html(f'<img class="{style}" src="{sample.thumbnail}" alt="">')
                st.button(
                    f"{sample.title} :small[(chosen)]" if is_chosen else sample.title,
                    key=f"lc-sample-button-{number}",
                    width="stretch",
                    on_click=_choose_sample,
                    args=(sample.name,),
                )
    st.html(f'<p class="lc-soft">{escape(CREDIT)}</p>')


def _choose_sample(name: str) -> None:
    current_session().sample = name


def _chosen_sample() -> list[Photo]:
    samples = current_session().samples
    sample = shipped_samples().get(current_session().sample)
    if sample is None:
        return []
    if sample.name not in samples:
        samples[sample.name] = Photo(sample.name, sample.read())
    return [samples[sample.name]]


def _fetched_photo() -> list[Photo]:
    fetched = current_session().fetched
    return [fetched] if isinstance(fetched, Photo) else []


def _camera_photo() -> list[Photo]:
    return [camera] if (camera := current_session().camera) else []


@dataclass(frozen=True, slots=True)
class _Source:
    """A way to add photos.

    Attributes:
        icon: a Material symbol.
        draw: draws the inputs.
        photos: returns the photos that were added.
    """

    icon: str
    draw: Callable[[], None]
    photos: Callable[[], list[Photo]]


_SOURCES = {
    _UPLOAD: _Source(":material/upload:", _draw_upload, lambda: current_session().uploads.photos),
    _CAMERA: _Source(":material/photo_camera:", _draw_camera, _camera_photo),
    _WEB: _Source(":material/link:", _draw_web, _fetched_photo),
    _SAMPLES: _Source(":material/photo_library:", _draw_samples, _chosen_sample),
}
