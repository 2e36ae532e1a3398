"""Answers to several pictures as files to take along."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from frontend.api.errors import ApiError
from frontend.api.predictions import Prediction
from frontend.images import UnusablePicture, Upload

_COLUMNS = ("file", "label", "confidence", "confident", "error", "model_version", "request_id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a text


@dataclass(frozen=True, slots=True)
class Row:
    """A picture's name, what became of it, and itself where it could be read."""

    name: str
    outcome: Prediction | ApiError | UnusablePicture
    picture: Upload | None = None


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects: `file`, and the whole answer or an `error`."""
    documents = [
        {"file": row.name, **row.outcome.model_dump(mode="json")}
        if isinstance(row.outcome, Prediction)
        else {"file": row.name, "error": str(row.outcome)}
        for row in rows
    ]
    return json.dumps(documents, indent=1, ensure_ascii=False)


def as_csv(rows: Sequence[Row]) -> bytes:
    """A table with a column `confidence_…` for each class; UTF-8 with a mark, for spreadsheets."""
    classes = sorted(
        {
            one.label
            for row in rows
            if isinstance(row.outcome, Prediction)
            for one in row.outcome.predictions
        }
    )
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow([*_COLUMNS, *(f"confidence_{label}" for label in classes)])
    table.writerows(_cells(row, classes) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cells(row: Row, classes: Sequence[str]) -> list[str | float | bool]:
    outcome = row.outcome
    if not isinstance(outcome, Prediction):
        return [_text(row.name), "", "", "", _text(str(outcome)), "", "", *[""] * len(classes)]
    shares = {one.label: one.confidence for one in outcome.predictions}
    return [
        _text(row.name),
        _text(outcome.label),
        round(outcome.confidence, 6),
        outcome.confident,
        "",
        outcome.model_version,
        outcome.request_id,
        *(round(shares.get(label, 0.0), 6) for label in classes),
    ]


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula: files are named by who gives them."""
    return f"'{value}" if value.startswith(_FORMULA) else value
