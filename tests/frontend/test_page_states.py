"""Failures of the API, in Streamlit's test runner with a stand-in for the API."""

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
        (problem(503, "There is no bundle."), "The model is not ready", True),
        (problem(500, "Internal error."), "The service failed", True),
        (problem(404, "Not found."), "Another server runs at this address", False),
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

    assert text(page).count("The service cannot be reached") == 2
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
    assert (
        "The model is loading. This page checks again automatically. Suggested wait: 60 s."
        in text(page)
    )
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
