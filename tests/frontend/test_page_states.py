"""Failures of the API, in Streamlit's test runner with a stand-in for the API."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.frontend.driver import click, drop, text
from tests.frontend.stand_in_api import (
    CONFIDENT,
    HEALTHY,
    LOW_CONFIDENCE,
    PASSWORD,
    Reply,
    StandInApi,
    explained,
    problem,
)


@pytest.mark.parametrize(
    ("reply", "title", "can_retry"),
    [
        (problem(401, "Wrong password."), "This page cannot sign in to the service", False),
        (problem(413, "5 MB; the limit is 4."), "This photo is too large", False),
        (problem(415, "No JPEG."), "This photo cannot be used", False),
        (problem(422, "It is damaged."), "This photo cannot be used", False),
        (problem(429, "Slow down."), "Too many requests", True),
        (problem(503, "There is no bundle."), "The service is not ready", True),
        (problem(500, "Internal error."), "The service failed", True),
        (problem(404, "Not found."), "The service responded in an unexpected way", False),
    ],
)
def test_error_is_explained(
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
    assert "127.0.0.1" not in re.sub(r"<details.*?</details>", "", text(page))


def test_picture_is_sent_again_smaller_after_413(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.predict_first.append(problem(413, "The limit is 150,000 bytes."))
    stand_in_api.replies["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))

    drop(page.run(), photo)
    click(page, "Explain this result")

    assert "buildings</h2>" in text(page)
    assert page.info[0].value.startswith("Resized to 1")
    refused, predicted, explained_ = stand_in_api.received[-3:]
    assert photo in refused.body
    assert len(predicted.body) < 150_000
    assert len(explained_.body) == len(predicted.body)


def test_unreachable_api_is_shown_in_the_status_and_for_the_picture(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", "http://127.0.0.1:9")  # the "discard" port, which no server uses

    drop(page.run(), photo)

    assert text(page).count("The service cannot be reached") == 1
    assert "Not classified yet" in text(page)
    assert "127.0.0.1" not in re.sub(r"<details.*?</details>", "", text(page))
    assert "lc-down" in text(page)
    assert len(page.get("image")) == 1


def test_hanging_api_is_reported(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend.api.client.RESPONSE_TIMEOUT_S", 0.1)
    stand_in_api.predict = Reply(200, CONFIDENT, delay_s=0.5)

    drop(page.run(), photo)

    assert "The service did not respond in time" in text(page)


def test_model_that_is_not_ready_is_shown_with_its_reason(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.health = problem(503, "There is no manifest.json.")

    page.run()

    assert "lc-waiting" in text(page)
    assert "There is no manifest.json." in text(page)


@pytest.mark.parametrize(
    ("status", "state", "title"),
    [
        (429, "lc-waiting", "Too many requests"),
        (500, "lc-down", "The service failed"),
        (504, "lc-down", "The service failed"),
    ],
)
def test_temporary_condition_is_not_an_alert(
    page: AppTest, stand_in_api: StandInApi, status: int, state: str, title: str
) -> None:
    stand_in_api.health = problem(status, "The reason.")

    page.run()

    assert f'class="lc-status {state}"' in text(page)
    assert title in text(page)
    assert "picture's fault" not in text(page)


def test_no_picture_is_sent_while_the_model_is_not_ready(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.health = problem(503, "The model is loading.", Retry_After="60")
    drop(page.run(), photo)
    assert "Not classified yet" in text(page)
    assert "The model is loading. Suggested wait: 60 s." in text(page)  # for the operator
    assert "lc-down" in text(page)
    assert stand_in_api.count("POST /predict") == 0

    stand_in_api.health = Reply(200, HEALTHY)
    click(page, "Try again")

    assert "buildings</h2>" in text(page)


def test_refusal_is_kept_but_a_failure_is_retried(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    stand_in_api.predict = problem(422, "It is damaged.")
    drop(page.run(), photo)
    page.run()
    assert stand_in_api.count("POST /predict") == 1

    click(page, "Remove this photo")
    stand_in_api.predict = problem(500, "Internal error.")
    drop(page, (photos / "flower.jpg").read_bytes())
    stand_in_api.predict = Reply(200, CONFIDENT)
    click(page, "Try again")

    assert "buildings</h2>" in text(page)


def test_health_is_cached_between_runs_and_requested_on_click(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    page.run()
    page.run()
    assert stand_in_api.count("GET /health") == 1

    stand_in_api.health = problem(503, "The model is loading.")
    click(page, "Check again")

    assert stand_in_api.count("GET /health") == 2
    assert "Checked just now." in text(page)
    page.run()
    assert "The model is loading." in text(page)


def test_predictions_are_renewed_after_the_model_changes(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    drop(page.run(), photo)
    stand_in_api.predict = Reply(200, {**LOW_CONFIDENCE, "model_version": "new-version"})
    page.run()
    assert "buildings</h2>" in text(page)

    model = {"name": "intel-scenes", "version": "new-version", "sha256": "1" * 64}
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
    assert "This page cannot sign in to the service" in text(page)

    monkeypatch.setenv("API_PASSWORD", PASSWORD)
    page.run()

    assert "buildings</h2>" in text(page)


def test_rejected_credentials_are_shown_before_the_first_photo(
    page: AppTest, stand_in_api: StandInApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_PASSWORD", "out of date")

    page.run()
    page.run()

    assert "<strong>Not signed in</strong>" in text(page)
    assert "This page cannot sign in to the service" in text(page)
    assert "Please tell the operator of this page." in text(page)
    assert stand_in_api.count("GET /model") == 1  # a failed login counts toward a rate limit


@pytest.mark.parametrize("status", [401, 503])
def test_answer_stays_when_the_api_goes_away(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, status: int
) -> None:
    drop(page.run(), photo)
    stand_in_api.health = problem(503, "The model is gone.")
    stand_in_api.predict = problem(status, "No.")

    click(page, "Check again")
    page.run()

    assert "lc-ready" not in text(page)
    assert "buildings</h2>" in text(page)
    assert "Not classified yet" not in text(page)


def test_unknown_scene_has_its_own_state(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    body = {**CONFIDENT, "confident": False, "known": False, "familiarity": 0.0}
    stand_in_api.predict = Reply(200, body)

    drop(page.run(), photo)

    shown = text(page)
    assert "<h2>Not a scene I know</h2>" in shown
    assert "lc-unknown" in shown
    assert "The closest class is “buildings”, but do not rely on it." in shown
    assert "Low confidence" not in shown
