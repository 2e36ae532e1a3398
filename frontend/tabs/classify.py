"""The "Classify" tab: pictures on the left, predictions on the right and below."""

from collections.abc import Sequence
from typing import TypeGuard

import streamlit as st

from frontend.api.errors import ApiError, NotReady, PictureRefused, TimedOut, Unreachable
from frontend.api.health_watch import HealthResult
from frontend.api.predictions import Health, Prediction
from frontend.exports import Row
from frontend.images import UnusablePicture, Upload, format_bytes
from frontend.page_context import PageContext
from frontend.predictions import classify, classify_batch, picture_to_send
from frontend.session import Input, current_session
from frontend.views.batch import draw_gallery, draw_summary, draw_table
from frontend.views.explanation import draw_explanation
from frontend.views.inputs import choose_pictures
from frontend.views.markup import empty_state
from frontend.views.notices import draw_error
from frontend.views.prediction import draw_prediction, draw_timings

_RESIZED = ":material/photo_size_select_large:"


def draw_classify(page: PageContext) -> None:
    """Draw the tab."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(key="lc-picture"):
        inputs = choose_pictures()
        _draw_inputs(inputs)
    with right, st.container(key="lc-answer"):
        rows = _draw_outcomes(page, inputs)
    if rows:
        with st.container(key="lc-all"):
            draw_gallery(rows, page.cards)
            draw_table(rows, page.cards)
            _draw_chosen(page, rows)


def _draw_inputs(inputs: Sequence[Input]) -> None:
    """Draw a preview of a single picture; for a batch, only how many were resized."""
    if len(inputs) == 1:
        picture = inputs[0].picture
        if isinstance(picture, UnusablePicture):
            draw_error(picture)
        else:
            _draw_preview(picture)
        return
    uploads = [one.picture for one in inputs if isinstance(one.picture, Upload)]
    if count := sum(bool(upload.note) for upload in uploads):
        photos = "large photo is" if count == 1 else "large photos are"
        st.info(f"{count} {photos} resized before upload.", icon=_RESIZED)


def _draw_preview(upload: Upload) -> None:
    st.image(upload.preview, alt="Preview of your photo", width="stretch")
    st.caption(
        f"{upload.format} · {upload.width} × {upload.height} pixels · "
        f"{format_bytes(upload.original_bytes)}"
    )
    if upload.note:
        st.info(upload.note, icon=_RESIZED)


def _draw_outcomes(page: PageContext, inputs: Sequence[Input]) -> list[Row]:
    """Classify the pictures, and draw the prediction, a summary, or the error.

    Returns:
        A row for each picture of a batch; empty for a single picture.
    """
    uploads = [one.picture for one in inputs if isinstance(one.picture, Upload)]
    if isinstance(page.health, Health):
        current_session().drop_other_models(page.health.model.version)
    if not inputs:
        text = "Your prediction will appear here. No photo at hand? Try a sample."
        st.html(empty_state("landscape", text))
    elif not uploads:
        st.html(empty_state("hide_image", "None of these files could be read."))
    elif isinstance(page.health, NotReady) or _is_down(page.health):
        # A request now would only make the visitor wait for its failure.
        draw_error(page.health, on_retry=page.watch.expire)
    elif len(inputs) == 1:
        _draw_one(page, uploads[0])
    else:
        return _draw_batch(page, inputs, uploads)
    return []


def _is_down(health: HealthResult | None) -> TypeGuard[Unreachable]:
    return isinstance(health, Unreachable) and not isinstance(health, TimedOut)


def _draw_one(page: PageContext, upload: Upload) -> None:
    starting = isinstance(page.health, TimedOut)
    with st.spinner("The service is starting …" if starting else "Classifying …"):
        outcome = classify(page.client, upload)
    if isinstance(outcome, ApiError):
        draw_error(outcome, on_retry=page.watch.expire)
        return
    if (sent := picture_to_send(upload)).note != upload.note:
        st.info(sent.note, icon=_RESIZED)
    _draw_details(page, upload, outcome)


def _draw_details(page: PageContext, upload: Upload, prediction: Prediction) -> None:
    draw_prediction(prediction, page.cards)
    draw_explanation(page, picture_to_send(upload), prediction.model_version)
    draw_timings(prediction)


def _draw_batch(page: PageContext, inputs: Sequence[Input], uploads: Sequence[Upload]) -> list[Row]:
    place = st.empty()

    def report_progress(done: int) -> None:
        place.progress(done / len(uploads), f"{done} of {len(uploads)} photos classified")

    report_progress(0)
    outcomes = iter(classify_batch(page.client, uploads, report_progress))
    place.empty()
    rows = [
        Row(one.name, next(outcomes), one.picture)
        if isinstance(one.picture, Upload)
        else Row(one.name, one.picture)
        for one in inputs
    ]
    draw_summary(rows, page.cards)
    errors = [row.outcome for row in rows if isinstance(row.outcome, ApiError)]
    if failure := next((one for one in errors if not isinstance(one, PictureRefused)), None):
        draw_error(failure, on_retry=page.watch.expire)
    return rows


def _draw_chosen(page: PageContext, rows: Sequence[Row]) -> None:
    """Draw a choice of the classified pictures, and the details of the chosen one."""
    classified = {
        row.picture.digest: (row.name, row.picture, row.outcome)
        for row in rows
        if row.picture and isinstance(row.outcome, Prediction)
    }
    digest = st.selectbox(
        "Open a photo",
        list(classified),
        index=None,
        format_func=lambda digest: classified[digest][0],
        placeholder="Choose a photo",
        key="lc-look-at",
    )
    if digest is None:
        return
    _, picture, prediction = classified[digest]
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_preview(picture_to_send(picture))
    with right:
        _draw_details(page, picture, prediction)
