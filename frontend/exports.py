"""Downloads of a batch's results: CSV, JSON, and a ZIP archive sorted into class folders."""

import csv
import json
from collections.abc import Sequence
from io import StringIO

from frontend.api.predictions import Prediction
from frontend.archives import sorted_archive
from frontend.results import Result

_COLUMNS = (
    "file",
    "label",
    "confidence",
    "confident",
    "error",
    "model_version",
    "request_id",
    "known",
    "correction",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # prefixes that make a spreadsheet evaluate a text


def to_json(rows: Sequence[Result]) -> str:
    """Format results as a list of objects: `file`, and all fields of the prediction or an `error`.

    A photo that the visitor checked also has its right label as `correction`.
    """
    documents = [
        {
            "file": row.photo.name,
            **(row.prediction.model_dump(mode="json") if row.prediction else {"error": row.error}),
            **({"correction": row.correction} if row.correction else {}),
        }
        for row in rows
    ]
    return json.dumps(documents, indent=1, ensure_ascii=False)


def to_csv(rows: Sequence[Result]) -> bytes:
    """Format results as CSV with a column `confidence_<label>` for each class.

    The encoding is UTF-8 with a byte order mark, by which spreadsheets recognize it.
    """
    classes = sorted(
        {score.label for row in rows if row.prediction for score in row.prediction.predictions}
    )
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow([*_COLUMNS, *(f"confidence_{label}" for label in classes)])
    table.writerows(_cells(row, classes) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def to_zip(rows: Sequence[Result]) -> bytes:
    """Write the original files into a ZIP archive with one folder for each label.

    The label is the corrected one if there is one. Unknown scenes are in the folder "none".
    `predictions.csv` lists all photos, also those without a label.
    """
    photos = ((row.label, row.photo.name, row.photo.data) for row in rows if row.label)
    return sorted_archive([("", "predictions.csv", to_csv(rows)), *photos])


def _cells(row: Result, classes: Sequence[str]) -> list[str | float | bool]:
    name = _text(row.photo.name)
    if not (prediction := row.prediction):
        correction = _text(row.correction)
        return [name, "", "", "", _text(row.error), "", "", "", correction, *[""] * len(classes)]
    confidences = {score.label: score.confidence for score in prediction.predictions}
    return [
        name,
        _text(prediction.label),
        round(prediction.confidence, 6),
        prediction.confident,
        "",
        prediction.model_version,
        prediction.request_id,
        _known(prediction),
        _text(row.correction),
        *(round(confidences.get(label, 0.0), 6) for label in classes),
    ]


def _known(prediction: Prediction) -> bool | str:
    return "" if prediction.known is None else prediction.known


def _text(value: str) -> str:
    """Quote a text that a spreadsheet would evaluate as a formula: visitors choose file names."""
    return f"'{value}" if value.startswith(_FORMULA) else value
