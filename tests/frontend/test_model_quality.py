"""Reliability, coverage and mistakes in the "The model" tab, with a stand-in for the API."""

import base64
import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from frontend.api.manifest import CoveragePoint, ReliabilityBin
from frontend.views.model_quality import point_at
from frontend.views.quality_charts import confusion_matrix, describe_reliability
from tests.conftest import ROOT
from tests.frontend.driver import open_tab, text
from tests.frontend.stand_in_api import Reply, StandInApi

POINTS = [
    CoveragePoint(threshold=0.95, coverage=0.6, accuracy=0.99),
    CoveragePoint(threshold=0.8, coverage=0.9, accuracy=0.97),
    CoveragePoint(threshold=0.3, coverage=1.0, accuracy=0.94),
]


@pytest.fixture
def described(stand_in_api: StandInApi, photo: bytes) -> dict[str, Any]:
    """A manifest that describes its validation pictures, which the stand-in returns."""
    manifest = json.loads((ROOT / "models" / "intel-scenes" / "manifest.json").read_text())
    mistake = {
        "file": "glacier/7.jpg",
        "label": "glacier",
        "predicted": "mountain",
        "confidence": 0.93,
        "known": True,
        "thumbnail": base64.b64encode(photo).decode(),
    }
    document = {
        **manifest,
        "known": {"acceptance": 0.98},
        "confidence_threshold": 0.8,
        "validation": {
            "pictures": 1738,
            "reliability": [{"confidence": 0.9, "accuracy": 0.85, "pictures": 40}],
            "coverage": [point.model_dump() for point in POINTS],
            "mistakes": [mistake, {**mistake, "predicted": "sea", "thumbnail": None}],
        },
    }
    stand_in_api.replies["GET /model"] = Reply(200, document)
    return document


@pytest.mark.parametrize(
    ("threshold", "coverage"), [(0.0, 1.0), (0.3, 1.0), (0.31, 0.9), (0.95, 0.6), (0.96, 0.0)]
)
def test_point_of_a_threshold(threshold: float, coverage: float) -> None:
    assert point_at(POINTS, threshold).coverage == coverage


def test_reliability_names_the_largest_difference() -> None:
    bins = [
        ReliabilityBin(confidence=0.9, accuracy=0.85, pictures=40),
        ReliabilityBin(confidence=0.5, accuracy=0.7, pictures=9),
    ]

    assert "at a confidence of 50%, 70% of 9 photos are right" in describe_reliability(bins)


def test_cells_with_pictures_can_be_selected() -> None:
    figure = confusion_matrix(("a", "b"), [[3, 1], [0, 2]], [("a", "b")])

    assert (list(figure.data[1].x), list(figure.data[1].y)) == (["b"], ["a"])
    assert len(confusion_matrix(("a", "b"), [[3, 1], [0, 2]]).data) == 1


def test_slider_says_how_much_is_left_to_check(page: AppTest, described: dict[str, Any]) -> None:
    open_tab(page.run(), "The model")
    shown = text(page)
    assert "<strong>90.0%</strong> answered, <strong>97.0%</strong> of them right." in shown
    assert "Of 1,000 photos, <strong>100</strong> are left to check" in shown

    next(one for one in page.slider if one.key == "lc-coverage").set_value(95.0).run()

    assert "<strong>60.0%</strong> answered" in text(page)
    assert "Measured on 1,738 validation photos" in text(page)


def test_mistakes_are_shown_for_a_cell(page: AppTest, described: dict[str, Any]) -> None:
    open_tab(page.run(), "The model")
    (choice,) = (one for one in page.selectbox if one.key == "lc-mistakes")
    assert choice.options == ["glacier classified as mountain"]  # the other has no picture

    choice.select_index(0).run()

    assert 'alt="glacier/7.jpg, 93% mountain"' in text(page)


def test_out_of_scope_names_the_detector(
    page: AppTest, stand_in_api: StandInApi, described: dict[str, Any]
) -> None:
    open_tab(page.run(), "The model")

    assert "It accepts 98% of the validation photos." in text(page)


def test_manifest_without_the_description_has_no_slider(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    manifest = json.loads((ROOT / "models" / "intel-scenes" / "manifest.json").read_text())
    stand_in_api.replies["GET /model"] = Reply(200, {**manifest, "known": None, "validation": None})

    open_tab(page.run(), "The model")

    assert "This model has no detector of unknown photos" in text(page)
    assert not [one for one in page.slider if one.key == "lc-coverage"]
