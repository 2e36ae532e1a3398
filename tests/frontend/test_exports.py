import csv
import json
import zipfile
from html.parser import HTMLParser
from io import BytesIO, StringIO

from frontend.api.errors import NotAPicture
from frontend.api.predictions import Prediction
from frontend.exports import to_csv, to_json, to_zip
from frontend.photos import Photo
from frontend.report import to_html
from frontend.results import Result
from tests.frontend.stand_in_api import CLASSES, CONFIDENT, LOW_CONFIDENCE


def classified(name: str, body: dict[str, object], correction: str = "") -> Result:
    prediction = Prediction.model_validate({**body, "round_trip_ms": 12.5})
    return Result(Photo(name, name.encode()), prediction, correction)


ROWS = [
    classified("höhle.jpg", CONFIDENT),
    Result(Photo("notes.txt", b""), NotAPicture("It is damaged.")),
    classified("two, with a comma.jpg", LOW_CONFIDENCE),
]


def table(rows: list[Result]) -> list[dict[str, str]]:
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


def test_zip_has_a_folder_for_each_label_and_a_table() -> None:
    unknown = {**CONFIDENT, "known": False}
    rows = [
        *ROWS,
        classified("a/höhle.jpg", CONFIDENT),
        classified("b/HÖHLE.jpg", CONFIDENT),
        classified("cat.jpg", unknown),
        classified("..", CONFIDENT, correction="sea"),
    ]

    with zipfile.ZipFile(BytesIO(to_zip(rows))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(
            [
                "predictions.csv",
                "buildings/höhle.jpg",
                "buildings/höhle (2).jpg",
                "buildings/HÖHLE (3).jpg",
                "mountain/two, with a comma.jpg",
                "none/cat.jpg",
                "sea/_",
            ]
        )
        assert archive.read("none/cat.jpg") == b"cat.jpg"
        assert archive.read("predictions.csv") == to_csv(rows)


def test_report_lists_all_photos_least_sure_first_and_loads_nothing() -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.loaded: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.loaded += [str(value) for name, value in attrs if name in ("src", "href")]

    report = to_html([*ROWS, classified("<b>.jpg", CONFIDENT, "sea")], "Photos & more")

    reader = Reader()
    reader.feed(report)
    assert all(url.startswith("data:") for url in reader.loaded)
    assert "Photos &amp; more: 4 photos" in report
    assert report.index("two, with a comma.jpg") < report.index("höhle.jpg")
    assert report.index("höhle.jpg") < report.index("notes.txt")
    assert "&lt;b&gt;.jpg" in report
    assert "sea (model: buildings)" in report
    assert "It is damaged." in report


def test_correction_and_known_are_columns() -> None:
    (row,) = table([classified("a.jpg", {**CONFIDENT, "known": False}, "sea")])

    assert (row["label"], row["known"], row["correction"]) == ("buildings", "False", "sea")
