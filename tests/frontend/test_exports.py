import csv
import json
from io import StringIO

from frontend.api.errors import NotAPicture
from frontend.api.predictions import Prediction
from frontend.exports import Row, to_csv, to_json
from tests.frontend.stand_in_api import CLASSES, CONFIDENT, LOW_CONFIDENCE


def classified(name: str, body: dict[str, object]) -> Row:
    return Row(name, Prediction.model_validate({**body, "round_trip_ms": 12.5}))


ROWS = [
    classified("höhle.jpg", CONFIDENT),
    Row("notes.txt", NotAPicture("It is damaged.")),
    classified("two, with a comma.jpg", LOW_CONFIDENCE),
]


def table(rows: list[Row]) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(to_csv(rows).decode("utf-8-sig"))))


def test_csv_has_a_row_for_each_picture_and_a_column_for_each_class() -> None:
    first, second, third = table(ROWS)

    assert (first["file"], first["label"], first["confident"]) == ("höhle.jpg", "buildings", "True")
    assert sum(float(first[f"confidence_{label}"]) for label in CLASSES) == 1
    assert (second["error"], second["label"], second["confidence_sea"]) == (
        "It is damaged.",
        "",
        "",
    )
    assert (third["file"], third["confident"]) == ("two, with a comma.jpg", "False")


def test_class_may_have_the_name_of_a_column() -> None:
    scores = [{"label": "file", "confidence": 0.9}, {"label": "error", "confidence": 0.1}]
    (row,) = table([classified("a.jpg", {**CONFIDENT, "label": "file", "predictions": scores})])

    assert (row["file"], row["label"], row["error"]) == ("a.jpg", "file", "")
    assert (row["confidence_file"], row["confidence_error"]) == ("0.9", "0.1")


def test_csv_starts_with_a_byte_order_mark() -> None:
    assert to_csv(ROWS).startswith(b"\xef\xbb\xbf")


def test_file_name_is_not_evaluated_as_a_formula() -> None:
    for name in ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1"):
        (row,) = table([classified(name, CONFIDENT)])
        assert row["file"] == f"'{name}"


def test_json_has_all_fields_or_the_error() -> None:
    first, second, _ = json.loads(to_json(ROWS))

    assert first["file"] == "höhle.jpg"
    assert first["confidence"] == 0.874
    assert len(first["predictions"]) == 6
    assert second == {"file": "notes.txt", "error": "It is damaged."}
