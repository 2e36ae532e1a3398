import csv
import json
from io import StringIO

from frontend.api.errors import NotAPicture
from frontend.api.predictions import Prediction
from frontend.exports import Row, as_csv, as_json
from tests.frontend.stand_in_api import CLASSES, SURE, UNSURE


def answered(name: str, body: dict[str, object]) -> Row:
    return Row(name, Prediction.model_validate({**body, "round_trip_ms": 12.5}))


ROWS = [
    answered("höhle.jpg", SURE),
    Row("notes.txt", NotAPicture("It is damaged.")),
    answered("two, with a comma.jpg", UNSURE),
]


def table(rows: list[Row]) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(as_csv(rows).decode("utf-8-sig"))))


def test_csv_has_a_line_for_each_picture_and_a_column_for_each_class() -> None:
    first, second, third = table(ROWS)

    assert (first["file"], first["label"], first["confident"]) == ("höhle.jpg", "buildings", "True")
    assert sum(float(first[f"confidence_{label}"]) for label in CLASSES) == 1
    assert (second["error"], second["label"], second["confidence_sea"]) == (
        "It is damaged.",
        "",
        "",
    )
    assert (third["file"], third["confident"]) == ("two, with a comma.jpg", "False")


def test_a_class_may_be_called_as_a_column_is() -> None:
    shares = [{"label": "file", "confidence": 0.9}, {"label": "error", "confidence": 0.1}]
    (row,) = table([answered("a.jpg", {**SURE, "label": "file", "predictions": shares})])

    assert (row["file"], row["label"], row["error"]) == ("a.jpg", "file", "")
    assert (row["confidence_file"], row["confidence_error"]) == ("0.9", "0.1")


def test_spreadsheets_are_told_the_encoding() -> None:
    assert as_csv(ROWS).startswith(b"\xef\xbb\xbf")


def test_a_file_s_name_is_no_formula() -> None:
    for name in ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1"):
        (row,) = table([answered(name, SURE)])
        assert row["file"] == f"'{name}"


def test_json_has_the_whole_answer_or_the_error() -> None:
    first, second, _ = json.loads(as_json(ROWS))

    assert first["file"] == "höhle.jpg"
    assert first["confidence"] == 0.874
    assert len(first["predictions"]) == 6
    assert second == {"file": "notes.txt", "error": "It is damaged."}
