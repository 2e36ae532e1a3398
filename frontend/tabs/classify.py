"""The first tab: pictures on the left, their answers on the right and below."""

from collections.abc import Callable, Sequence
from typing import TypeGuard

import streamlit as st

from frontend import predictions as asking
from frontend.api.client import ApiClient
from frontend.api.errors import ApiError, NotReady, PictureRefused, TimedOut, Unreachable
from frontend.api.health_watch import Found
from frontend.api.predictions import Health, Prediction
from frontend.class_cards import ClassCards
from frontend.exports import Row
from frontend.images import UnusablePicture, Upload, megabytes
from frontend.session import Given
from frontend.views import batch as several
from frontend.views import explanation, markup, notices
from frontend.views import prediction as answer

Retry = Callable[[], None]
_REDUCED = ":material/photo_size_select_large:"


def preview(pictures: Sequence[Given]) -> None:
    """Draw a picture alone large, with its size and what was done to it; several as a note."""
    if len(pictures) > 1:
        uploads = [one.picture for one in pictures if isinstance(one.picture, Upload)]
        if count := sum(bool(upload.note) for upload in uploads):
            st.info(f"{count} of them, being large, are reduced before sending.", icon=_REDUCED)
        return
    for one in pictures:
        if isinstance(one.picture, UnusablePicture):
            notices.show(one.picture)
            continue
        _preview(one.picture)


def _preview(upload: Upload) -> None:
    st.image(upload.preview, alt="Preview of your picture", width="stretch")
    st.caption(
        f"{upload.format} · {upload.width} × {upload.height} pixels · "
        f"{megabytes(upload.given_bytes)}"
    )
    if upload.note:
        st.info(upload.note, icon=_REDUCED)


def draw_answers(
    pictures: Sequence[Given],
    client: ApiClient,
    cards: ClassCards,
    found: Found | None,
    on_retry: Retry,
) -> list[Row]:
    """Ask about the pictures, and draw the answers, or why there are none.

    Args:
        pictures: those given, usable or not.
        client: whom to ask.
        cards: how to show classes.
        found: how the API is, as far as is known.
        on_retry: what to do before the page tries again.

    Returns:
        What became of each, where there are several.
    """
    uploads = [one.picture for one in pictures if isinstance(one.picture, Upload)]
    if isinstance(found, Health):
        asking.forget_other_models(found.model.version)
    if not pictures:
        st.html(
            markup.empty(
                "landscape",
                "Drop a picture, and its answer appears here. No picture at hand? Try a sample.",
            )
        )
    elif not uploads:
        st.html(markup.empty("hide_image", "There is no picture that could be answered."))
    elif isinstance(found, NotReady) or _is_down(found):
        notices.show(found, on_retry=on_retry)  # sending pictures would only mean waiting
    elif len(pictures) == 1:
        _draw_one(client, uploads[0], cards, found, on_retry)
    else:
        return _draw_several(client, pictures, uploads, cards, on_retry)
    return []


def _is_down(found: Found | None) -> TypeGuard[Unreachable]:
    return isinstance(found, Unreachable) and not isinstance(found, TimedOut)


def _draw_one(
    client: ApiClient, upload: Upload, cards: ClassCards, found: Found | None, on_retry: Retry
) -> None:
    starting = isinstance(found, TimedOut)
    words = "The API is starting up …" if starting else "Looking at the picture …"
    with st.spinner(words):
        outcome = asking.ask(client, upload)
    if isinstance(outcome, ApiError):
        notices.show(outcome, on_retry=on_retry)
        return
    if (sent := asking.sent(upload)).note != upload.note:
        st.info(sent.note, icon=_REDUCED)
    _draw_answer(client, upload, outcome, cards, on_retry)


def _draw_answer(
    client: ApiClient, upload: Upload, prediction: Prediction, cards: ClassCards, on_retry: Retry
) -> None:
    answer.show(prediction, cards)
    explanation.show(client, asking.sent(upload), prediction.model_version, on_retry)
    answer.show_measured(prediction)


def show_one(rows: Sequence[Row], client: ApiClient, cards: ClassCards, on_retry: Retry) -> None:
    """Draw a choice of the answered pictures, and the one that is chosen with all of its answer."""
    answered = {
        row.picture.digest: (row.name, row.picture, row.outcome)
        for row in rows
        if row.picture and isinstance(row.outcome, Prediction)
    }
    chosen = st.selectbox(
        "Look at one",
        list(answered),
        index=None,
        format_func=lambda digest: answered[digest][0],
        placeholder="Choose a picture",
        key="lc-look-at",
    )
    if chosen is None:
        return
    _, picture, prediction = answered[chosen]
    left, right = st.columns(2, gap="medium")
    with left:
        _preview(asking.sent(picture))
    with right:
        _draw_answer(client, picture, prediction, cards, on_retry)


def _draw_several(
    client: ApiClient,
    pictures: Sequence[Given],
    uploads: Sequence[Upload],
    cards: ClassCards,
    on_retry: Retry,
) -> list[Row]:
    place = st.empty()

    def progress(done: int) -> None:
        place.progress(done / len(uploads), f"{done} of {len(uploads)} pictures answered")

    progress(0)
    outcomes = iter(asking.ask_all(client, uploads, progress))
    place.empty()
    rows = [
        Row(one.name, next(outcomes), one.picture)
        if isinstance(one.picture, Upload)
        else Row(one.name, one.picture)
        for one in pictures
    ]
    several.show_summary(rows, cards)
    failed = [row.outcome for row in rows if isinstance(row.outcome, ApiError)]
    if failure := next((one for one in failed if not isinstance(one, PictureRefused)), None):
        notices.show(failure, on_retry=on_retry)
    return rows
