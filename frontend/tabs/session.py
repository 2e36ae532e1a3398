"""What was answered in this session."""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.class_cards import ClassCards
from frontend.images import Upload
from frontend.views.charts import latency_bars, latency_in_words
from frontend.views.markup import empty, icon, milliseconds, named_picture

_KEPT = "lc-history"
SHOWN = 40  # answers; each keeps some kilobytes of this server's memory


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer, when it came (UTC) and to which picture."""

    at: datetime
    upload_name: str
    thumbnail: bytes
    prediction: Prediction


def note(upload: Upload, prediction: Prediction) -> None:
    """Remember an answer until the session ends or `SHOWN` more have come."""
    entries().append(Entry(datetime.now(UTC), upload.filename, upload.thumbnail, prediction))
    del entries()[:-SHOWN]


def entries() -> list[Entry]:
    """The session's answers, oldest first."""
    kept: list[Entry] = st.session_state.setdefault(_KEPT, [])
    return kept


def show(cards: ClassCards) -> None:
    """Draw how long the answers took, and a table of them."""
    latest = entries()
    if not latest:
        st.html(empty("history", "Nothing yet. The answer to each picture is noted here."))
        return
    predictions = [entry.prediction for entry in latest]
    st.html('<h2 class="lc-title">How long answers took</h2>')
    st.plotly_chart(
        latency_bars(predictions),
        config={"displayModeBar": False},
        alt=latency_in_words(predictions),
        key="lc-latency",
    )
    numbered = list(enumerate(latest, start=1))
    rows = "".join(_row(number, entry, cards) for number, entry in reversed(numbered))
    st.html(
        '<h2 class="lc-title">Answers of this session</h2>'
        '<div class="lc-scroll" tabindex="0" role="region" aria-label="Answers of this session">'
        '<table class="lc-table"><thead><tr><th scope="col" class="lc-number">No.</th>'
        '<th scope="col">Picture</th><th scope="col">Answer</th>'
        '<th scope="col" class="lc-number">Confidence</th>'
        '<th scope="col" class="lc-number">Round trip</th><th scope="col">Time (UTC)</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
        f'<p class="lc-soft">The last {SHOWN} are kept in memory until this tab is closed.</p>'
    )


def _row(number: int, entry: Entry, cards: ClassCards) -> str:
    answer = entry.prediction
    unsure = "" if answer.confident else ' <span class="lc-flag">not sure</span>'
    return (
        f'<tr><td class="lc-number">{number}</td>'
        f"<td>{named_picture(entry.thumbnail, entry.upload_name)}</td>"
        f"<td>{icon(cards[answer.label].icon)} {escape(answer.label)}{unsure}</td>"
        f'<td class="lc-number">{answer.confidence:.1%}</td>'
        f'<td class="lc-number">{milliseconds(answer.round_trip_ms)} ms</td>'
        f"<td>{entry.at:%H:%M:%S}</td></tr>"
    )
