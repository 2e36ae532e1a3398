"""Review of results: previous and next photo, and the right label, also with the keyboard."""

from collections.abc import Callable, Sequence

import streamlit as st

from frontend.api.predictions import NO_CLASS, Prediction
from frontend.corrections import correct, retry_storing
from frontend.images import Upload
from frontend.page_context import PageContext
from frontend.results import Result
from frontend.session import current_session
from frontend.views.messages import message_for
from frontend.views.notices import draw_notice

MAX_BUTTONS = 9  # classes with a button and a digit; a model with more gets a list
NONE_TEXT = "None of these"


def draw_position(shown: Sequence[Result], index: int) -> None:
    """Draw the position in the table, and buttons for the previous and the next photo."""
    with st.container(key="lc-position", horizontal=True, vertical_alignment="center"):
        for label, symbol, key, place in (
            ("Previous", "chevron_left", "K", index - 1),
            ("Next", "chevron_right", "J", index + 1),
        ):
            exists = 0 <= place < len(shown)
            st.button(
                label,
                icon=f":material/{symbol}:",
                key=f"lc-{label.lower()}",
                shortcut=key,
                disabled=not exists,
                on_click=open_photo,
                args=(shown[place].photo.id if exists else None,),
            )
        st.html(f'<p class="lc-soft" role="status">{index + 1} of {len(shown)}</p>')


def open_photo(photo_id: int | None) -> None:
    """Open a photo of the batch in the next run."""
    current_session().opened = photo_id


def next_to_check(shown: Sequence[Result], index: int) -> int:
    """Return the ID of the next photo without a checked label; the same photo if there is none."""
    following = [*shown[index + 1 :], *shown[:index]]
    unchecked = (one.photo.id for one in following if one.prediction and not one.correction)
    return next(unchecked, shown[index].photo.id)


def draw_labels(
    page: PageContext,
    upload: Upload,
    prediction: Prediction,
    *,
    photo_id: int | None = None,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Draw buttons for the right label of a photo.

    Args:
        page: the page's context.
        upload: the photo.
        prediction: its prediction.
        photo_id: for a batch, the ID of the photo. Then keys choose a label, too.
        then: called after a choice, before the script runs again.
    """
    shortcuts = photo_id is not None
    chosen = current_session().corrections.get(upload.digest)
    classes = page.classes or tuple(one.label for one in prediction.predictions)
    st.html('<h3 class="lc-caption">Is this right?</h3>')

    def choose(label: str) -> None:
        if shortcuts and current_session().opened not in (None, photo_id):
            return  # a key that was pressed before the next photo was drawn
        correct(upload, label, store=page.stores_feedback)
        then()

    with st.container(key="lc-labels", horizontal=True, gap="small"):
        st.button(
            "Yes",
            icon=":material/check:",
            key="lc-right",
            type="primary",
            shortcut="Y" if shortcuts else None,
            on_click=choose,
            args=(prediction.label,),
        )
        if len(classes) <= MAX_BUTTONS:
            numbered = [(label, label, str(place)) for place, label in enumerate(classes, 1)]
            for place, (label, text, digit) in enumerate([*numbered, (NO_CLASS, NONE_TEXT, "0")]):
                st.button(
                    text,
                    icon=":material/check:" if chosen == label else None,
                    key=f"lc-label-{place}",
                    shortcut=digit if shortcuts else None,
                    on_click=choose,
                    args=(label,),
                )
    if len(classes) > MAX_BUTTONS:
        options = [*classes, NO_CLASS]
        key = f"lc-label-list-{upload.digest[:12]}"
        st.selectbox(
            "No, the right class is",
            options,
            index=options.index(chosen) if chosen in options else None,
            format_func=lambda label: NONE_TEXT if label == NO_CLASS else label,
            key=key,
            on_change=lambda: choose(st.session_state[key]),
        )
    _draw_storage(page, chosen)


def _draw_storage(page: PageContext, chosen: str | None) -> None:
    """Draw what happens to the labels: nothing but exports, or storage by the API."""
    session = current_session()
    if session.correction_error:
        count = len(session.unsent)
        labels = "1 label is" if count == 1 else f"{count} labels are"
        message = message_for(session.correction_error)
        draw_notice(
            f"{labels} not stored yet",
            f"{message.title}. Your choice is kept on this page.",
            operator=message.operator,
            temporary=True,
        )
        st.button("Store again", icon=":material/refresh:", key="lc-store", on_click=retry_storing)
        return
    shown = NONE_TEXT.lower() if chosen == NO_CLASS else chosen
    saved = f"Your label: {shown}. " if chosen else ""
    if page.stores_feedback:
        st.caption(f"{saved}The photo and your label are stored for training.")
    elif saved:
        st.caption(f"{saved}It is part of the downloads.")
