"""The answers to several pictures: a summary, pictures by label, a table, files to take along."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape

import streamlit as st

from frontend.api_answers import Prediction
from frontend.class_cards import ClassCards
from frontend.exports import Row, as_csv, as_json
from frontend.markup import data_uri, icon


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
    groups: dict[str, list[tuple[Row, Prediction]]] = defaultdict(list)
    for row in rows:
        if isinstance(row.outcome, Prediction):
            groups[row.outcome.label].append((row, row.outcome))
    sections = ""
    for label, group in sorted(groups.items()):
        group.sort(key=lambda one: -one[1].confidence)
        items = "".join(_figure(row, answer) for row, answer in group)
        sections += (
            f"<section><h3>{icon(cards[label].icon)} {escape(label)} "
            f'<span class="lc-soft">{len(group)}</span></h3><ul class="lc-grid">{items}</ul>'
            "</section>"
        )
    st.html(f'<div class="lc-groups">{sections}</div>')


def _figure(row: Row, answer: Prediction) -> str:
    unsure = "" if answer.confident else ' <span class="lc-flag">not sure</span>'
    name = escape(row.name)
    return (
        f'<li><figure><img src="{data_uri(row.thumbnail)}" alt="{name}">'
        f"<figcaption><span>{name}</span><strong>{answer.confidence:.0%}</strong>{unsure}"
        "</figcaption></figure></li>"
    )


def show_table(rows: Sequence[Row], cards: ClassCards) -> None:
    """Draw a line for each picture, in the order given."""
    lines = "".join(_line(row, cards) for row in rows)
    st.html(
        '<div class="lc-scroll" tabindex="0" role="region" aria-label="All answers">'
        '<table class="lc-table"><thead><tr><th scope="col">Picture</th><th scope="col">Answer</th>'
        '<th scope="col" class="lc-number">Confidence</th><th scope="col">Next best</th></tr>'
        f"</thead><tbody>{lines}</tbody></table></div>"
    )


def _line(row: Row, cards: ClassCards) -> str:
    answer = row.outcome
    if not isinstance(answer, Prediction):
        return (
            f"<tr><td>{escape(row.name)}</td>"
            f'<td colspan="3" class="lc-refused">{icon("error")} {escape(str(answer))}</td></tr>'
        )
    unsure = "" if answer.confident else ' <span class="lc-flag">not sure</span>'
    others = ", ".join(f"{one.label} {one.confidence:.0%}" for one in answer.predictions[1:3])
    return (
        f"<tr><td>{escape(row.name)}</td>"
        f"<td>{icon(cards[answer.label].icon)} {escape(answer.label)}{unsure}</td>"
        f'<td class="lc-number">{answer.confidence:.1%}</td><td>{escape(others)}</td></tr>'
    )
