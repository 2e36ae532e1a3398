"""Tabs and explanations, in Streamlit's test runner with a stand-in for the API."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.frontend.driver import click, drop, open_tab, text
from tests.frontend.stand_in_api import (
    CONFIDENT,
    LOW_CONFIDENCE,
    Reply,
    StandInApi,
    explained,
    problem,
)

MANIFEST = Path(__file__).parents[2] / "models" / "intel-scenes" / "manifest.json"


@pytest.fixture
def manifest(stand_in_api: StandInApi) -> dict[str, object]:
    """The shipped bundle's manifest, which the stand-in then returns."""
    document: dict[str, object] = json.loads(MANIFEST.read_text())
    stand_in_api.replies["GET /model"] = Reply(200, document)
    return document


def test_new_session_has_no_history(page: AppTest) -> None:
    open_tab(page.run(), "This session")

    assert "No results yet." in text(page)
    assert "Round trips" not in " ".join(one.proto.alt for one in page.get("plotly_chart"))


def test_session_lists_its_predictions_latest_first(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    drop(page.run(), photo, "first.jpg")
    stand_in_api.predict = Reply(200, LOW_CONFIDENCE)
    drop(page, (photos / "flower.jpg").read_bytes(), "second.jpg")

    open_tab(page, "This session")

    assert text(page).index("second.jpg") < text(page).index("first.jpg")
    assert text(page).count("low confidence</span>") == 1
    assert "Round trips of 2 predictions" in page.get("plotly_chart")[-1].proto.alt


def test_closed_tab_is_not_drawn(page: AppTest, stand_in_api: StandInApi) -> None:
    page.run()

    assert "Confusion matrix" not in text(page)


def test_model_tab_shows_the_metrics(
    page: AppTest, stand_in_api: StandInApi, manifest: dict[str, object]
) -> None:
    open_tab(page.run(), "The model")
    page.run()

    shown = text(page)
    assert "Measured on 1,061 test photos" in shown
    assert "<dt>Accuracy</dt><dd>94.6%</dd>" in shown
    assert "efficientnet_lite0" in shown
    assert shown.count('<th scope="row">') == 6
    charts = " ".join(chart.proto.alt for chart in page.get("plotly_chart"))
    assert "glacier classified as mountain (18)" in charts
    assert "Accuracy by coverage" in charts
    assert stand_in_api.count("GET /model") == 1  # for two runs


def test_failed_model_request_can_be_retried(
    page: AppTest, stand_in_api: StandInApi, manifest: dict[str, object]
) -> None:
    stand_in_api.replies["GET /model"] = problem(500, "Internal error.")
    open_tab(page.run(), "The model")
    assert "The service failed" in text(page)

    stand_in_api.replies["GET /model"] = Reply(200, manifest)
    click(page, "Try again")

    assert "Measured on 1,061 test photos" in text(page)


def test_explanation_is_shown_after_a_click(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.replies["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    drop(page.run(), photo)
    assert stand_in_api.count("POST /explain") == 0

    click(page, "Explain this result")
    page.slider[0].set_value(20).run()

    assert "The top left of the photo matters most" in text(page)
    assert "the confidence in “buildings” by 40 percentage points." in text(page)
    assert len(page.get("image")) == 2
    assert stand_in_api.count("POST /explain") == 1  # the slider sends no request


def test_failed_explanation_keeps_the_prediction_and_can_be_retried(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.replies["POST /explain"] = problem(500, "Internal error.")
    drop(page.run(), photo)

    click(page, "Explain this result")

    assert "The service failed" in text(page)
    assert "buildings</h2>" in text(page)

    stand_in_api.replies["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    click(page, "Try again")  # explains without another click

    assert "The top left of the photo matters most" in text(page)
    assert "The service failed" not in text(page)


@pytest.mark.parametrize(("header", "shown"), [("true", "cold start"), ("false", "warm")])
def test_details_show_whether_it_was_a_cold_start(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, header: str, shown: str
) -> None:
    stand_in_api.predict = Reply(200, CONFIDENT, {"X_Cold_Start": header})
    drop(page.run(), photo)

    assert f"</code> · {shown}</p>" in text(page)
