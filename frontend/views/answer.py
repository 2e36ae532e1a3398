"""The result card: the result of one photo with all its parts, or why there is none."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from frontend.api.predictions import Health, Prediction
from frontend.images import Upload, format_bytes
from frontend.page_context import PageContext
from frontend.photos import Photo
from frontend.predictions import obstacle, picture_to_send
from frontend.session import current_session
from frontend.views.code import draw_code
from frontend.views.explanation import draw_explanation
from frontend.views.inputs import open_sample
from frontend.views.markup import chips
from frontend.views.notices import draw_error, draw_notice
from frontend.views.prediction import draw_example, draw_timings

_RESIZED = ":material/photo_size_select_large:"


def draw_welcome(page: PageContext, place: DeltaGenerator) -> None:
    """Draw what a visitor sees before the first photo: the classes and an example of a result."""
    with place.container(key="lc-welcome"):
        if page.rejected:
            draw_error(page.rejected)
        st.html(
            '<p class="lc-intro">Your result will appear here. The model knows these scenes:</p>'
            + chips(page.classes, page.cards)
            if page.classes
            else '<p class="lc-intro">Your result will appear here.</p>'
        )
        st.button(
            "Try a sample",
            icon=":material/photo_library:",
            key="lc-try",
            type="primary",
            on_click=open_sample,
        )
    if page.classes:
        draw_example(page.classes)


def draw_preview(upload: Upload) -> None:
    """Draw the photo and its size."""
    st.image(upload.preview, alt="Preview of your photo", width="stretch")
    st.caption(
        f"{upload.format} · {upload.width} × {upload.height} pixels · "
        f"{format_bytes(upload.original_bytes)}"
    )


def draw_note(place: DeltaGenerator, upload: Upload) -> None:
    """Draw how the photo was changed for sending, which is known after the classification."""
    if note := picture_to_send(upload).note:
        place.info(note, icon=_RESIZED)


def draw_parts(page: PageContext, photo: Photo, upload: Upload, prediction: Prediction) -> None:
    """Draw the explanation, and folds with details and code."""
    with st.container(key="lc-explanation"):
        draw_explanation(page, picture_to_send(upload), prediction)
    draw_code(page, photo, prediction)
    with st.expander("Details", icon=":material/info:", key="lc-details"):
        draw_timings(prediction)


def draw_missing(page: PageContext) -> None:
    """Draw why photos are not classified."""
    error = obstacle(page.rejected, page.health)
    if error is None:
        return
    if error is page.health:
        draw_notice(
            "Not classified yet",
            "This happens automatically as soon as the service is available.",
            temporary=True,
        )
        st.button(
            "Try again",
            icon=":material/refresh:",
            key="lc-retry",
            type="primary",
            on_click=try_again,
            args=(page,),
        )
    else:
        draw_error(error, on_retry=lambda: try_again(page))


def try_again(page: PageContext) -> None:
    """Send the missing photos again in the next run."""
    current_session().retry()
    if not isinstance(page.health, Health):
        page.check_again()
