"""The answers to several pictures: a summary, pictures by label, a table, files to take along."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.class_cards import ClassCards
from frontend.exports import Row, as_csv, as_json
from frontend.images import Upload, megabytes
from frontend.views.markup import data_uri, icon, named_picture


def show_summary(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw how many pictures show what, and the downloads."""
    answers = [row.outcome for row in rows if isinstance(row.outcome, Prediction)]
    unsure = sum(not answer.confident for answer in answers)
    told = [f"{len(answers)} of {len(rows)} pictures answered"]
    told += [f"{unsure} not sure"] if unsure else []
    told += [f"{len(rows) - len(answers)} without an answer"] if len(answers) < len(rows) else []
    labels = [answer.label for answer in answers]
    counts = sorted(((labels.count(label), label) for label in set(labels)), reverse=True)
    bars = "".join(
        f'<li><span class="lc-emblem lc-small">{icon(cards[label].icon)}</span>'
        f"<span>{escape(label)}</span><strong>{count}</strong>"
        f'<div class="lc-meter" aria-hidden="true"><span style="width:{count / len(labels):.1%}">'
        "</span></div></li>"
        for count, label in counts
    )
    st.html(
        f'<section role="status"><h2 class="lc-title">{len(rows)} pictures</h2>'
        f'<p class="lc-soft">{" · ".join(told)}</p></section><ul class="lc-counts">{bars}</ul>'
    )
    with st.container(horizontal=True, key="lc-downloads"):
        for kind, data, mime in (
            ("CSV", as_csv(rows), "text/csv"),
            ("JSON", as_json(rows), "application/json"),
        ):
            st.download_button(
                kind,
                data,
                file_name=f"answers.{kind.lower()}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"lc-download-{kind}",
            )


def show_by_label(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw the answered pictures, those of a label side by side."""
    groups: dict[str, list[tuple[str, Upload, Prediction]]] = defaultdict(list)
    for row in rows:
        if row.picture and isinstance(row.outcome, Prediction):
            groups[row.outcome.label].append((row.name, row.picture, row.outcome))
    sections = ""
    for label, group in sorted(groups.items()):
        group.sort(key=lambda one: -one[2].confidence)
        items = "".join(_figure(*one) for one in group)
        sections += (
            f"<section><h3>{icon(cards[label].icon)} {escape(label)} "
            f'<span class="lc-soft">{len(group)}</span></h3><ul class="lc-grid">{items}</ul>'
            "</section>"
        )
    st.html(f'<div class="lc-groups">{sections}</div>')


def _figure(name: str, picture: Upload, answer: Prediction) -> str:
    unsure = "" if answer.confident else ' <span class="lc-flag">not sure</span>'
    name = escape(name)
    return (
        f'<li><figure><img src="{data_uri(picture.thumbnail)}" alt="{name}">'
        f"<figcaption><span>{name}</span><strong>{answer.confidence:.0%}</strong>{unsure}"
        "</figcaption></figure></li>"
    )


def show_table(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw a line for each picture, in the order given."""
    lines = "".join(_line(row, cards) for row in rows)
    st.html(
        '<div class="lc-scroll" tabindex="0" role="region" aria-label="All answers">'
        '<table class="lc-table"><thead><tr><th scope="col">Picture</th><th scope="col">Answer</th>'
        '<th scope="col" class="lc-number">Confidence</th><th scope="col">Next best</th>'
        '<th scope="col">Format</th><th scope="col">Pixels</th>'
        '<th scope="col" class="lc-number">File</th></tr>'
        f"</thead><tbody>{lines}</tbody></table></div>"
    )


def _line(row: Row, cards: ClassCards) -> str:
    answer, picture = row.outcome, row.picture
    name = named_picture(picture.thumbnail if picture else b"", row.name)
    file = _file(picture) if picture else "<td></td>" * 3
    if not isinstance(answer, Prediction):
        return (
            f'<tr><td>{name}</td><td colspan="3" class="lc-refused">{icon("error")} '
            f"{escape(str(answer))}</td>{file}</tr>"
        )
    unsure = "" if answer.confident else ' <span class="lc-flag">not sure</span>'
    others = ", ".join(f"{one.label} {one.confidence:.0%}" for one in answer.predictions[1:3])
    return (
        f"<tr><td>{name}</td>"
        f"<td>{icon(cards[answer.label].icon)} {escape(answer.label)}{unsure}</td>"
        f'<td class="lc-number">{answer.confidence:.1%}</td><td>{escape(others)}</td>{file}</tr>'
    )


def _file(picture: Upload) -> str:
    return (
        f"<td>{picture.format}</td><td>{picture.width} × {picture.height}</td>"
        f'<td class="lc-number">{megabytes(picture.given_bytes)}</td>'
    )
