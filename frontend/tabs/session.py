"""The "This session" tab: response times and a table of the visit's predictions."""

import streamlit as st

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
        st.html(empty_state("history", "No predictions yet. They will be listed here."))
        return
    predictions = [entry.prediction for entry in history]
    st.html('<h2 class="lc-title">Response times</h2>')
    draw_chart(latency_bars(predictions), alt=describe_latency_bars(predictions), key="lc-latency")
    title = "Predictions in this session"
    numbered = list(enumerate(history, start=1))
    st.html(
        f'<h2 class="lc-title">{title}</h2>'
        + table(
            title,
            ("No.", "Photo", "Prediction", "Confidence", "Round trip", "Time (UTC)"),
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
        f"{number_cell(f'{format_ms(prediction.round_trip_ms)} ms')}"
        f"<td>{entry.at:%H:%M:%S}</td></tr>"
    )
