"""The session, the model and what an answer rests on, through a stand-in for the API."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.frontend.driver import click, drop, open_tab, text
from tests.frontend.stand_in_api import SURE, UNSURE, Reply, StandInApi, explained, problem

MANIFEST = Path(__file__).parents[2] / "models" / "intel-scenes" / "manifest.json"


@pytest.fixture
def manifest(stand_in_api: StandInApi) -> dict[str, object]:
    """The shipped bundle's, which the stand-in then answers with."""
    document: dict[str, object] = json.loads(MANIFEST.read_text())
    stand_in_api.answers["GET /model"] = Reply(200, document)
    return document


def test_a_new_session_has_no_history(page: AppTest) -> None:
    open_tab(page.run(), "This session")

    assert "Nothing yet." in text(page)
    assert not page.get("plotly_chart")


def test_the_session_tells_its_answers_latest_first(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    drop(page.run(), photo, "first.jpg")
    stand_in_api.predict = Reply(200, UNSURE)
    drop(page, (photos / "flower.jpg").read_bytes(), "second.jpg")

    open_tab(page, "This session")

    assert text(page).index("second.jpg") < text(page).index("first.jpg")
    assert text(page).count("not sure</span>") == 1
    assert "Round trips of 2 answers" in page.get("plotly_chart")[-1].proto.alt


def test_a_tab_that_is_not_open_is_not_drawn(page: AppTest, stand_in_api: StandInApi) -> None:
    page.run()

    assert stand_in_api.count("GET /model") == 0


def test_the_model_tells_its_figures(
    page: AppTest, stand_in_api: StandInApi, manifest: dict[str, object]
) -> None:
    open_tab(page.run(), "The model")
    page.run()

    shown = text(page)
    assert "Measured on 1,061 test pictures" in shown
    assert "<dt>Accuracy</dt><dd>94.3%</dd>" in shown
    assert "efficientnet_lite0" in shown
    assert shown.count('<th scope="row">') == 6
    assert "glacier for mountain 19 times" in page.get("plotly_chart")[0].proto.alt
    assert stand_in_api.count("GET /model") == 1  # for two runs


def test_a_model_that_is_not_told_is_no_broken_page(
    page: AppTest, stand_in_api: StandInApi, manifest: dict[str, object]
) -> None:
    stand_in_api.answers["GET /model"] = problem(500, "Internal error.")
    open_tab(page.run(), "The model")
    assert "Something went wrong in the API" in text(page)

    stand_in_api.answers["GET /model"] = Reply(200, manifest)
    click(page, "Try again")

    assert "Measured on 1,061 test pictures" in text(page)


def test_what_an_answer_rests_on_is_shown_on_demand(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.answers["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    drop(page.run(), photo)
    assert stand_in_api.count("POST /explain") == 0

    click(page, "Show what the answer rests on")
    page.slider[0].set_value(20).run()

    assert "It rests most on the top left of the picture" in text(page)
    assert "covered, buildings loses 40 percentage points." in text(page)
    assert len(page.get("image")) == 2
    assert stand_in_api.count("POST /explain") == 1  # the slider asks nobody


def test_an_explanation_that_fails_leaves_the_answer(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.answers["POST /explain"] = problem(500, "Internal error.")
    drop(page.run(), photo)

    click(page, "Show what the answer rests on")

    assert "Something went wrong in the API" in text(page)
    assert "buildings</h2>" in text(page)

    stand_in_api.answers["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    click(page, "Try again")  # asks again: the other button need not be pressed

    assert "It rests most on the top left" in text(page)
    assert "Something went wrong" not in text(page)


@pytest.mark.parametrize(("header", "words"), [("true", "cold start"), ("false", "warm")])
def test_the_last_answer_was_warm_or_a_cold_start(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, header: str, words: str
) -> None:
    stand_in_api.predict = Reply(200, SURE, {"X_Cold_Start": header})
    page.run()
    assert "Last answer" not in text(page)

    drop(page, photo)

    assert f"<dt>Last answer</dt><dd>{words}</dd>" in text(page)
