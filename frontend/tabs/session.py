"""The "This session" tab: response times and a table of the visit's predictions."""

from datetime import UTC
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.class_cards import ClassCards
from frontend.session import MAX_HISTORY, HistoryEntry, current_session
from frontend.views.charts import describe_latency_bars, draw_chart, latency_bars
from frontend.views.markup import (
    empty_state,
    file_with_thumbnail,
    format_ms,
    label_with_icon,
    number_cell,
    table,
)


def draw_session(cards: ClassCards) -> None:
    """Draw the tab."""
    history = current_session().history
    if not history:
        st.html(empty_state("history", "No results yet. They will be listed here."))
        return
    numbered = list(enumerate(history, start=1))
    numbers = [number for number, one in numbered if one.prediction.request_pictures == 1]
    alone = [history[number - 1].prediction for number in numbers]
    if alone:
        st.html(
            '<h2 class="lc-title">Response times</h2>'
            '<p class="lc-soft">Requests with one photo.</p>'
        )
        draw_chart(latency_bars(alone, numbers), alt=describe_latency_bars(alone), key="lc-latency")
    title = "Results in this session"
    st.html(
        f'<h2 class="lc-title">{title}</h2>'
        + table(
            title,
            ("No.", "Photo", "Prediction", "Confidence", "Round trip", "Time"),
            [_row(number, entry, cards) for number, entry in reversed(numbered)],
            numbers=frozenset({"No.", "Confidence", "Round trip"}),
        )
        + f'<p class="lc-soft">The last {MAX_HISTORY} are kept in memory until you close this '
        "browser tab.</p>"
    )


def _row(number: int, entry: HistoryEntry, cards: ClassCards) -> str:
    prediction = entry.prediction
    return (
        f"<tr>{number_cell(str(number))}"
        f"<td>{file_with_thumbnail(entry.thumbnail, entry.upload_name)}</td>"
        f"<td>{label_with_icon(prediction, cards)}</td>"
        f"{number_cell(f'{prediction.confidence:.1%}')}"
        f"{number_cell(_round_trip(prediction))}"
        f"<td>{_local_time(entry)}</td></tr>"
    )


def _round_trip(prediction: Prediction) -> str:
    count = prediction.request_pictures
    return f"{format_ms(prediction.round_trip_ms)} ms" + (f" for {count}" if count > 1 else "")


def _local_time(entry: HistoryEntry) -> str:
    """The time in the visitor's zone; in UTC if the browser does not name a zone."""
    try:
        return f"{entry.at.astimezone(ZoneInfo(st.context.timezone or '')):%H:%M:%S}"
    except (ZoneInfoNotFoundError, ValueError):
        return f"{entry.at.astimezone(UTC):%H:%M:%S} UTC"
