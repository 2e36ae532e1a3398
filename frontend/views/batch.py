"""The results of a batch: a summary, filters, a table, and downloads."""

from collections import Counter
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from frontend.api.predictions import NO_CLASS
from frontend.exports import to_csv, to_json, to_zip
from frontend.images import data_uri
from frontend.report import to_html
from frontend.results import CHECKED, Result, State, chosen
from frontend.views.review import open_photo

_TABLE_KEY = "lc-table"
_ALL = "all"
_ROW_HEIGHT = 52  # pixels
_TABLE_HEIGHT = 440  # pixels
_COLUMNS = {
    "Photo": st.column_config.ImageColumn(width=70),
    "Class": st.column_config.TextColumn(width="small"),
    "Confidence": st.column_config.ProgressColumn(
        format="%.1f %%", min_value=0, max_value=100, width=130
    ),
    "State": st.column_config.TextColumn(width=150),
    "File": st.column_config.TextColumn(width="medium"),
}


def draw_summary(rows: Sequence[Result]) -> None:
    """Draw how many photos were classified, and how many need attention."""
    states = Counter(row.state for row in rows)
    classified = len(rows) - states[State.FAILED] - states[State.WAITING]
    duplicates = sum(bool(row.photo.duplicate_of) for row in rows)
    parts = [f"{classified} of {len(rows)} classified"]
    parts += [
        f"{count} {text}"
        for count, text in (
            (states[State.LOW], "with low confidence"),
            (states[State.UNKNOWN], "not a known scene"),
            (states[State.FAILED], "failed"),
            (duplicates, "duplicate" if duplicates == 1 else "duplicates"),
            (sum(bool(row.correction) for row in rows), "checked"),
        )
        if count
    ]
    st.html(
        f'<section role="status"><h2 class="lc-title">{len(rows)} photos</h2>'
        f'<p class="lc-soft">{" · ".join(parts)}</p></section>'
    )


def draw_filters(rows: Sequence[Result]) -> list[Result]:
    """Draw filters with their counts, and return the results of the chosen one."""
    labels = sorted({row.label for row in rows} - {"", NO_CLASS})
    names = [
        name
        for name in (State.LOW.value, State.UNKNOWN.value, State.FAILED.value, CHECKED, *labels)
        if chosen(rows, name)
    ]
    texts = {name: f"{name} ({len(chosen(rows, name))})" for name in names}
    name = st.pills(
        "Show",
        [_ALL, *names],
        default=_ALL,
        required=True,
        format_func=lambda name: texts.get(name, f"{_ALL} ({len(rows)})"),
        key="lc-filter",
        label_visibility="collapsed",
    )
    return list(rows) if name == _ALL else chosen(rows, str(name))


def draw_table(shown: Sequence[Result], opened: int) -> None:
    """Draw a row for each result.

    Args:
        shown: the results, in order.
        opened: position of the result whose details are shown; a click on a row changes it.
    """
    ids = [row.photo.id for row in shown]
    st.session_state[_TABLE_KEY] = {"selection": {"rows": [opened], "columns": [], "cells": []}}
    st.dataframe(
        pd.DataFrame([_cells(row) for row in shown], columns=list(_COLUMNS)),
        column_config=_COLUMNS,
        hide_index=True,
        row_height=_ROW_HEIGHT,
        height=min(_TABLE_HEIGHT, _ROW_HEIGHT * len(shown) + 40),
        selection_mode=["single-row-required", "single-cell"],
        on_select=lambda: _open_selected(ids),
        key=_TABLE_KEY,
        placeholder="",
        alt="Results, least sure first",
    )


def _open_selected(ids: Sequence[int]) -> None:
    selection = st.session_state[_TABLE_KEY]["selection"]
    cells = selection["cells"]
    rows = [cells[0][0]] if cells else selection["rows"]
    if rows and rows[0] < len(ids):
        open_photo(ids[rows[0]])


def _cells(row: Result) -> dict[str, str | float | None]:
    state = row.error or row.state.value
    if row.photo.duplicate_of:
        state = f"{state}, duplicate of {row.photo.duplicate_of}"
    label = "none" if row.correction == NO_CLASS else row.correction
    if not label and row.prediction:
        label = row.prediction.label
    return {
        "Photo": data_uri(row.upload.icon) if row.upload else None,
        "Class": label,
        "Confidence": row.prediction.confidence * 100 if row.prediction else None,
        "State": f"checked, {state}" if row.correction else state,
        "File": row.photo.name,
    }


def draw_downloads(rows: Sequence[Result], title: str) -> None:
    """Draw downloads of all results, which are created after a click."""
    finished = [row for row in rows if row.state is not State.WAITING]
    kinds: list[tuple[str, Callable[[], bytes | str], str, str]] = [
        ("CSV", lambda: to_csv(finished), "predictions.csv", "text/csv"),
        ("JSON", lambda: to_json(finished), "predictions.json", "application/json"),
        ("ZIP by class", lambda: to_zip(finished), "photos-by-class.zip", "application/zip"),
        ("Report", lambda: to_html(finished, title), "report.html", "text/html"),
    ]
    with st.container(horizontal=True, key="lc-downloads"):
        for kind, data, name, mime in kinds:
            st.download_button(
                kind,
                data,
                file_name=name,
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"lc-download-{name}",
            )
