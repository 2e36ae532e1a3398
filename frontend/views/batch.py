"""The predictions for a batch: a summary, a gallery by label, a table, and downloads."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.class_cards import ClassCards
from frontend.exports import Row, to_csv, to_json
from frontend.images import Upload, data_uri, format_bytes
from frontend.views.markup import (
    file_with_thumbnail,
    icon,
    label_with_icon,
    low_confidence_flag,
    meter,
    number_cell,
    table,
)


def draw_summary(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw the number of pictures by label, and the downloads."""
    predictions = [row.outcome for row in rows if isinstance(row.outcome, Prediction)]
    low = sum(not prediction.confident for prediction in predictions)
    failed = len(rows) - len(predictions)
    summary = [f"{len(predictions)} of {len(rows)} classified"]
    summary += [f"{low} with low confidence"] if low else []
    summary += [f"{failed} failed"] if failed else []
    counts = Counter(prediction.label for prediction in predictions)
    ranked = sorted(((count, label) for label, count in counts.items()), reverse=True)
    bars = "".join(
        f'<li><span class="lc-emblem lc-small">{icon(cards[label].icon)}</span>'
        f"<span>{escape(label)}</span><strong>{count}</strong>{meter(count / len(predictions))}"
        "</li>"
        for count, label in ranked
    )
    st.html(
        f'<section role="status"><h2 class="lc-title">{len(rows)} photos</h2>'
        f'<p class="lc-soft">{" · ".join(summary)}</p></section><ul class="lc-counts">{bars}</ul>'
    )
    with st.container(horizontal=True, key="lc-downloads"):
        for kind, data, mime in (
            ("CSV", to_csv(rows), "text/csv"),
            ("JSON", to_json(rows), "application/json"),
        ):
            st.download_button(
                kind,
                data,
                file_name=f"predictions.{kind.lower()}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"lc-download-{kind}",
            )


def draw_gallery(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw the classified pictures grouped by label, highest confidence first."""
    groups: dict[str, list[tuple[str, Upload, Prediction]]] = defaultdict(list)
    for row in rows:
        if row.picture and isinstance(row.outcome, Prediction):
            groups[row.outcome.label].append((row.name, row.picture, row.outcome))
    sections = ""
    for label, group in sorted(groups.items()):
        group.sort(key=lambda item: -item[2].confidence)
        figures = "".join(_figure(*item) for item in group)
        sections += (
            f"<section><h3>{icon(cards[label].icon)} {escape(label)} "
            f'<span class="lc-soft">{len(group)}</span></h3><ul class="lc-grid">{figures}</ul>'
            "</section>"
        )
    st.html(f'<div class="lc-groups">{sections}</div>')


def _figure(name: str, picture: Upload, prediction: Prediction) -> str:
    name = escape(name)
    return (
        f'<li><figure><img src="{data_uri(picture.thumbnail)}" alt="{name}">'
        f"<figcaption><span>{name}</span><strong>{prediction.confidence:.0%}</strong>"
        f"{low_confidence_flag(prediction)}</figcaption></figure></li>"
    )


def draw_table(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw a row for each picture, in the order of upload."""
    st.html(
        table(
            "All predictions",
            ("Photo", "Prediction", "Confidence", "Next best", "Format", "Pixels", "File size"),
            [_table_row(row, cards) for row in rows],
            numbers=frozenset({"Confidence", "File size"}),
        )
    )


def _table_row(row: Row, cards: ClassCards) -> str:
    prediction, picture = row.outcome, row.picture
    name = file_with_thumbnail(picture.thumbnail if picture else b"", row.name)
    file_cells = _file_cells(picture) if picture else "<td></td>" * 3
    if not isinstance(prediction, Prediction):
        return (
            f'<tr><td>{name}</td><td colspan="3" class="lc-refused">{icon("error")} '
            f"{escape(str(prediction))}</td>{file_cells}</tr>"
        )
    others = ", ".join(f"{one.label} {one.confidence:.0%}" for one in prediction.predictions[1:3])
    return (
        f"<tr><td>{name}</td><td>{label_with_icon(prediction, cards)}</td>"
        f"{number_cell(f'{prediction.confidence:.1%}')}<td>{escape(others)}</td>{file_cells}</tr>"
    )


def _file_cells(picture: Upload) -> str:
    return (
        f"<td>{picture.format}</td><td>{picture.width} × {picture.height}</td>"
        f"{number_cell(format_bytes(picture.original_bytes))}"
    )
