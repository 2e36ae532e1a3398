"""The "Classify" tab: photos on the left, the result of one of them on the right."""

from collections.abc import Sequence
from html import escape
from math import inf

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from frontend.api.errors import ApiError, TimedOut, WrongCredentials
from frontend.api.predictions import Health, Trust
from frontend.corrections import store_corrections
from frontend.images import UnusablePicture, Upload
from frontend.page_context import PageContext
from frontend.photos import Photo
from frontend.predictions import classify_photos, is_finished, obstacle
from frontend.results import Result, least_sure_first, results
from frontend.session import current_session
from frontend.views.answer import (
    draw_missing,
    draw_note,
    draw_parts,
    draw_preview,
    draw_welcome,
    try_again,
)
from frontend.views.batch import draw_downloads, draw_filters, draw_summary, draw_table
from frontend.views.inputs import current_photos, draw_inputs
from frontend.views.markup import empty_state
from frontend.views.notices import draw_error
from frontend.views.prediction import draw_prediction, heading, jump_bar
from frontend.views.review import draw_labels, draw_position, next_to_check, open_photo

_STEP_S = (0.8, 8.0)  # seconds of work between two drawings of the table: first, longest
_STEP_KEY = "lc-step-s"


def draw_classify(page: PageContext) -> None:
    """Draw the tab."""
    session = current_session()
    if isinstance(page.health, Health):
        session.drop_other_models(page.health.model.version)
    several = len(current_photos()) > 1
    left, right = st.columns([7, 6] if several else [1, 1], gap="medium")
    with left, st.container(key="lc-picture"):
        st.html(f'<h2 class="lc-title">Your photo{"s" if several else ""}</h2>')
        if several:  # the table comes first
            with st.expander("Add photos", icon=":material/add_photo_alternate:", key="lc-more"):
                draw_inputs()
        else:
            draw_inputs()
        photos = current_photos()
        if len(photos) > 1:
            _draw_batch(page, photos, right)
        else:
            _draw_single(page, photos[0] if photos else None, right)
    if page.stores_feedback and session.unsent and not session.correction_error:
        store_corrections(page.client)
        if session.correction_error:
            st.rerun()


def _draw_single(page: PageContext, photo: Photo | None, right: DeltaGenerator) -> None:
    picture = photo.decode() if photo else None
    if isinstance(picture, UnusablePicture):
        draw_error(picture)
    elif picture:
        draw_preview(picture)
    note, bar = st.empty(), st.empty()
    with right, st.container(key="lc-answer"):
        place = st.empty()
        if photo is None:
            draw_welcome(page, place)
        elif isinstance(picture, Upload):
            _classify_here(page, photo, place, bar)
            (result,) = results([photo])
            _draw_result(page, result, place)
            draw_note(note, picture)
            bar.html(_bar(result))
        else:
            place.html(empty_state("hide_image", "This file could not be read."))


def _classify_here(
    page: PageContext, photo: Photo, place: DeltaGenerator, bar: DeltaGenerator
) -> None:
    """Classify one photo, with a spinner in the place of its result."""
    if is_finished(photo) or obstacle(page.rejected, page.health):
        return
    text = "Classifying …"
    if isinstance(page.health, TimedOut):
        text = "The service is waking up. This can take up to 30 s."
    bar.html(jump_bar("Classifying …"))
    with place, st.spinner(text, show_time=True):
        classify_photos(page.client, [photo], inf, lambda _: None)
    _notice_rejection(page)


def _notice_rejection(page: PageContext) -> None:
    """Let the status line show rejected credentials."""
    failure = current_session().failure
    if failure and isinstance(failure.error, WrongCredentials) and not page.rejected:
        page.models.expire()


def _draw_result(
    page: PageContext, result: Result, place: DeltaGenerator, shown: Sequence[Result] = ()
) -> None:
    """Draw a prediction with all its parts, or why there is none.

    Args:
        page: the page's context.
        result: the result.
        place: where the prediction goes.
        shown: for a batch, the results in the table, for the review.
    """
    upload, prediction = result.upload, result.prediction
    if not upload or not prediction:
        with place.container():
            if isinstance(result.outcome, ApiError | UnusablePicture):
                draw_error(result.outcome, on_retry=lambda: try_again(page), key="lc-retry-one")
            elif shown:  # of a batch: the reason is above the table
                st.html(empty_state("hourglass_empty", "Not classified yet."))
            else:
                draw_missing(page)
        return
    draw_prediction(place, prediction, page.cards, page.threshold(prediction))
    if shown:
        index = [one.photo.id for one in shown].index(result.photo.id)
        following = next_to_check(shown, index)
        draw_labels(
            page,
            upload,
            prediction,
            photo_id=result.photo.id,
            then=lambda: open_photo(following),
        )
    elif page.stores_feedback:
        draw_labels(page, upload, prediction)
    draw_parts(page, result.photo, upload, prediction)


def _bar(result: Result, position: str = "") -> str:
    if prediction := result.prediction:
        known = prediction.trust is not Trust.UNKNOWN
        percent = f"{prediction.confidence:.0%}" if known else ""
        return jump_bar(f"{position}{heading(prediction)}", percent)
    return jump_bar(f"{position}{result.state.value.capitalize()}")


def _draw_batch(page: PageContext, photos: Sequence[Photo], right: DeltaGenerator) -> None:
    """Draw the table of all photos and the details of one, then work on the unfinished ones."""
    rows = least_sure_first(results(photos))
    unfinished = sum(not is_finished(photo) for photo in photos)
    problem = obstacle(page.rejected, page.health) if unfinished else None
    draw_summary(rows)
    progress = st.empty()
    if problem:
        with progress.container():
            draw_missing(page)
    elif unfinished:
        _draw_progress(progress, len(photos) - unfinished, len(photos))
    shown = draw_filters(rows)
    ids = [row.photo.id for row in shown]
    session = current_session()
    if session.opened not in ids:
        session.opened = None
    index = ids.index(session.opened) if session.opened is not None else 0
    draw_table(shown, index)
    if any(row.prediction for row in rows):
        draw_downloads(rows, "Classified photos")
    st.html(_bar(shown[index], f"{index + 1} of {len(shown)}: "))
    with right, st.container(key="lc-answer"):
        draw_position(shown, index)
        st.html(f'<h2 class="lc-title lc-filename">{escape(shown[index].photo.name)}</h2>')
        if upload := shown[index].upload:
            draw_preview(upload)
            draw_note(st.empty(), upload)
        _draw_result(page, shown[index], st.empty(), shown)
    if unfinished and not problem:
        _work(page, photos, progress)


def _draw_progress(place: DeltaGenerator, done: int, total: int) -> None:
    place.progress(done / total, f"{done} of {total} photos finished")


def _work(page: PageContext, photos: Sequence[Photo], progress: DeltaGenerator) -> None:
    """Classify photos for some seconds, then draw the page again.

    A click meanwhile interrupts the work, which goes on after it.
    """
    first, longest = _STEP_S
    step_s = st.session_state.get(_STEP_KEY, first)
    classify_photos(
        page.client, photos, step_s, lambda done: _draw_progress(progress, done, len(photos))
    )
    _notice_rejection(page)
    is_done = all(is_finished(photo) for photo in photos)
    st.session_state[_STEP_KEY] = first if is_done else min(2 * step_s, longest)
    st.rerun()
