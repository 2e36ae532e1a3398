"""CSV and JSON downloads of a batch's predictions."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from frontend.api.errors import ApiError
from frontend.api.predictions import Prediction
from frontend.images import UnusablePicture, Upload

_COLUMNS = ("file", "label", "confidence", "confident", "error", "model_version", "request_id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # prefixes that make a spreadsheet evaluate a text


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of a batch.

    Attributes:
        name: its file name.
        outcome: the prediction, or the error.
        picture: the picture; None if it could not be read.
    """

    name: str
    outcome: Prediction | ApiError | UnusablePicture
    picture: Upload | None = None


def to_json(rows: Sequence[Row]) -> str:
    """Format rows as a list of objects: `file`, and all fields of the prediction or an `error`."""
    documents = [
        {"file": row.name, **row.outcome.model_dump(mode="json")}
        if isinstance(row.outcome, Prediction)
        else {"file": row.name, "error": str(row.outcome)}
        for row in rows
    ]
    return json.dumps(documents, indent=1, ensure_ascii=False)


def to_csv(rows: Sequence[Row]) -> bytes:
    """Format rows as CSV with a column `confidence_<label>` for each class.

    The encoding is UTF-8 with a byte order mark, by which spreadsheets recognize it.
    """
    classes = sorted(
        {
            score.label
            for row in rows
            if isinstance(row.outcome, Prediction)
            for score in row.outcome.predictions
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
    confidences = {score.label: score.confidence for score in outcome.predictions}
    return [
        _text(row.name),
        _text(outcome.label),
        round(outcome.confidence, 6),
        outcome.confident,
        "",
        outcome.model_version,
        outcome.request_id,
        *(round(confidences.get(label, 0.0), 6) for label in classes),
    ]


def _text(value: str) -> str:
    """Quote a text that a spreadsheet would evaluate as a formula: visitors choose file names."""
    return f"'{value}" if value.startswith(_FORMULA) else value
