"""HTML fragments that several views share.

Arguments are texts, which are escaped; only those named `*_html` are HTML.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Literal

from frontend.api.predictions import Prediction, Trust
from frontend.class_cards import ClassCards
from frontend.images import data_uri


def icon(name: str) -> str:
    """Format an icon: a name of Google's Material Symbols, whose font Streamlit includes."""
    return f'<span class="lc-icon" aria-hidden="true">{escape(name)}</span>'


def meter(share: float, threshold: float | None = None) -> str:
    """Format a bar filled to a share, 0 to 1, with a line at a threshold.

    Screen readers ignore it.
    """
    line = "" if threshold is None else f'<i style="left:{threshold:.1%}"></i>'
    return (
        f'<div class="lc-meter" aria-hidden="true"><span style="width:{share:.1%}"></span>'
        f"{line}</div>"
    )


def fold(summary: str, content_html: str) -> str:
    """Format a text that opens and closes its content."""
    return (
        f'<details class="lc-fold"><summary>{escape(summary)}</summary>'
        f"<div>{content_html}</div></details>"
    )


def for_operator(content_html: str) -> str:
    """Format details for the operator of the page, behind a fold."""
    return fold("For the operator", content_html)


def file_with_thumbnail(thumbnail: bytes, name: str) -> str:
    """Format a file name beside its thumbnail; alone if `thumbnail` is empty."""
    image = f'<img src="{data_uri(thumbnail)}" alt="">' if thumbnail else ""
    return f'<span class="lc-file">{image}<span>{escape(name)}</span></span>'


def label_with_icon(prediction: Prediction, cards: ClassCards) -> str:
    """Format a predicted label with its icon, and a flag if it cannot be trusted."""
    text = f"{icon(cards[prediction.label].icon)} {escape(prediction.label)}"
    if prediction.trust is Trust.CONFIDENT:
        return text
    return f'{text} <span class="lc-flag">{prediction.trust.value}</span>'


def chips(classes: Sequence[str], cards: ClassCards) -> str:
    """Format classes as a list of labels with icons."""
    items = "".join(f"<li>{icon(cards[label].icon)} {escape(label)}</li>" for label in classes)
    return f'<ul class="lc-chips">{items}</ul>'


def empty_state(symbol: str, text: str) -> str:
    """Format an icon and a text, for a place without content."""
    return f'<div class="lc-empty">{icon(symbol)}<p>{escape(text)}</p></div>'


def format_ms(value: float) -> str:
    """Format milliseconds for display: "4.3", "120"."""
    return f"{value:.{0 if value >= 100 else 1}f}"


def definitions(
    style: Literal["lc-facts", "lc-line", "lc-tiles"], pairs: Mapping[str, str], unit: str = ""
) -> str:
    """Format terms and values as a list.

    Args:
        style: CSS class: rows, one line, or tiles.
        pairs: values by term.
        unit: unit of all values.
    """
    suffix = f" <small>{escape(unit)}</small>" if unit else ""
    items = "".join(
        f"<div><dt>{escape(term)}</dt><dd>{escape(value)}{suffix}</dd></div>"
        for term, value in pairs.items()
    )
    return f'<dl class="{style}">{items}</dl>'


def table(
    name: str, columns: Sequence[str], rows_html: Iterable[str], *, numbers: frozenset[str]
) -> str:
    """Format a table that scrolls sideways if it is wider than its place.

    Args:
        name: accessible name of the table's region.
        columns: titles.
        rows_html: `<tr>` elements.
        numbers: titles of the columns that contain numbers, which are aligned to the right.
    """
    head = "".join(
        f'<th scope="col"{_NUMBER_CLASS if title in numbers else ""}>{escape(title)}</th>'
        for title in columns
    )
    return (
        f'<div class="lc-scroll" tabindex="0" role="region" aria-label="{escape(name)}">'
        f'<table class="lc-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows_html)}</tbody></table></div>"
    )


def number_cell(text: str, more_html: str = "") -> str:
    """Format a table cell with a number."""
    return f"<td{_NUMBER_CLASS}>{escape(text)}{more_html}</td>"


_NUMBER_CLASS = ' class="lc-number"'
