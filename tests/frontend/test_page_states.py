"""What the page says where the API does not answer, through a stand-in for it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.frontend.driver import click, drop, text
from tests.frontend.stand_in_api import (
    HEALTHY,
    PASSWORD,
    SURE,
    UNSURE,
    Reply,
    StandInApi,
    explained,
    problem,
)


@pytest.mark.parametrize(
    ("reply", "title", "can_retry"),
    [
        (problem(401, "Wrong password."), "The API does not accept the credentials", False),
        (problem(413, "5 MB; the limit is 4."), "The picture is too large", False),
        (problem(415, "No JPEG."), "This picture cannot be used", False),
        (problem(422, "It is damaged."), "This picture cannot be used", False),
        (problem(429, "Slow down."), "The API asks to wait", True),
        (problem(503, "There is no bundle."), "The model is not ready", True),
        (problem(500, "Internal error."), "Something went wrong in the API", True),
        (problem(404, "Not found."), "This does not look like the API", False),
    ],
)
def test_an_error_is_told_in_plain_words(
    page: AppTest,
    stand_in_api: StandInApi,
    photo: bytes,
    reply: Reply,
    title: str,
    can_retry: bool,
) -> None:
    stand_in_api.predict = reply

    drop(page.run(), photo)

    assert title in text(page)
    assert "Request <code>5f0c6f0e-stand-in</code>" in text(page)
    assert PASSWORD not in text(page)
    assert any(button.label == "Try again" for button in page.button) is can_retry
    assert not page.get("plotly_chart")


def test_a_picture_above_this_api_s_limit_is_sent_once_more_reduced(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.predict_first.append(problem(413, "The limit is 150,000 bytes."))
    stand_in_api.answers["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))

    drop(page.run(), photo)
    click(page, "Show what the answer rests on")

    assert "buildings</h2>" in text(page)
    assert page.info[0].value.startswith("Reduced to 1")
    refused, answered, explained_ = stand_in_api.received[-3:]
    assert photo in refused.body
    assert len(answered.body) < 150_000
    assert len(explained_.body) == len(answered.body)


def test_an_api_that_is_down_is_told_in_the_line_and_for_the_picture(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", "http://127.0.0.1:9")  # "discard": nothing answers there

    drop(page.run(), photo)

    assert text(page).count("The API cannot be reached") == 2
    assert "lc-down" in text(page)
    assert len(page.get("image")) == 1


def test_an_api_that_hangs_is_told(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend.api.client.ANSWER_TIMEOUT_S", 0.1)
    stand_in_api.predict = Reply(200, SURE, delay_s=0.5)

    drop(page.run(), photo)

    assert "The API takes too long" in text(page)


def test_a_model_that_is_not_ready_is_told_with_its_reason(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.health = problem(503, "There is no manifest.json.")

    page.run()

    assert "lc-waiting" in text(page)
    assert "There is no manifest.json." in text(page)


@pytest.mark.parametrize(
    ("status", "state", "title"),
    [
        (429, "lc-waiting", "The API asks to wait"),
        (500, "lc-down", "Something went wrong in the API"),
        (504, "lc-down", "Something went wrong in the API"),
    ],
)
def test_what_passes_by_itself_is_no_alarm(
    page: AppTest, stand_in_api: StandInApi, status: int, state: str, title: str
) -> None:
    stand_in_api.health = problem(status, "The reason in words.")

    page.run()

    assert f'class="lc-status {state}"' in text(page)
    assert title in text(page)
    assert "picture's fault" not in text(page)


def test_no_picture_is_sent_to_a_model_that_is_not_ready(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.health = problem(503, "The model is loading.", Retry_After="60")
    drop(page.run(), photo)
    assert (
        "The model is loading. This page looks again by itself; the API asks to wait 60 s."
        in text(page)
    )
    assert stand_in_api.count("POST /predict") == 0

    stand_in_api.health = Reply(200, HEALTHY)
    click(page, "Try again")

    assert "buildings</h2>" in text(page)


def test_a_refusal_is_remembered_but_a_passing_failure_is_tried_again(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    stand_in_api.predict = problem(422, "It is damaged.")
    drop(page.run(), photo)
    page.run()
    assert stand_in_api.count("POST /predict") == 1

    stand_in_api.predict = problem(500, "Internal error.")
    drop(page, (photos / "flower.jpg").read_bytes())
    stand_in_api.predict = Reply(200, SURE)
    click(page, "Try again")

    assert "buildings</h2>" in text(page)


def test_health_is_asked_once_for_several_reruns_and_again_on_demand(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    page.run()
    page.run()
    assert stand_in_api.count("GET /health") == 1

    stand_in_api.health = problem(503, "The model is loading.")
    click(page, "Check again")

    assert stand_in_api.count("GET /health") == 2
    assert "The model is loading." in text(page)


def test_another_model_is_asked_anew(page: AppTest, stand_in_api: StandInApi, photo: bytes) -> None:
    drop(page.run(), photo)
    stand_in_api.predict = Reply(200, {**UNSURE, "model_version": "of-today"})
    page.run()
    assert "buildings</h2>" in text(page)

    model = {"name": "intel-scenes", "version": "of-today", "sha256": "1" * 64}
    stand_in_api.health = Reply(200, {**HEALTHY, "model": model})
    click(page, "Check again")
    page.run()

    assert "mountain</h2>" in text(page)
    assert stand_in_api.count("POST /predict") == 2


def test_new_credentials_are_used_without_a_restart(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_PASSWORD", "out of date")
    drop(page.run(), photo)
    assert "The API does not accept the credentials" in text(page)

    monkeypatch.setenv("API_PASSWORD", PASSWORD)
    page.run()

    assert "buildings</h2>" in text(page)
