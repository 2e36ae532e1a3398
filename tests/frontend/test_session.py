"""Limits and lifetimes of the data that a visit keeps."""

import pytest

from frontend.api.client import ApiClient
from frontend.api.errors import NotAPicture, ServerFault
from frontend.api.predictions import Prediction
from frontend.images import Upload, prepare
from frontend.session import MAX_HISTORY, Failure, Session
from tests.frontend.stand_in_api import CONFIDENT


@pytest.fixture
def upload(photo: bytes) -> Upload:
    return prepare(photo, "china.jpg")


def prediction(version: str) -> Prediction:
    fields = {**CONFIDENT, "model_version": version, "round_trip_ms": 20}
    return Prediction.model_validate(fields)


def test_history_keeps_the_newest_predictions(upload: Upload) -> None:
    session = Session()

    for number in range(MAX_HISTORY + 2):
        session.record(upload, prediction(f"version {number}"))

    assert len(session.history) == MAX_HISTORY
    assert session.history[-1].prediction.model_version == f"version {MAX_HISTORY + 1}"
    assert session.history[0].prediction.model_version == "version 2"


def test_refusal_is_kept_without_a_history_entry(upload: Upload) -> None:
    session, refusal = Session(), NotAPicture("It is damaged.")

    session.record(upload, refusal)

    assert session.outcomes[upload.digest] is refusal
    assert session.history == []


def test_predictions_of_other_models_are_dropped() -> None:
    session, refusal = Session(), NotAPicture("It is damaged.")
    session.outcomes = {"old": prediction("old"), "new": prediction("new"), "refused": refusal}

    session.drop_other_models("new")

    assert session.outcomes.keys() == {"new", "refused"}


def test_retry_forgets_failures_but_no_refusals() -> None:
    session, refusal = Session(), NotAPicture("It is damaged.")
    session.outcomes = {"a": refusal, "b": ServerFault("It failed."), "c": prediction("new")}
    session.failure = Failure(ServerFault("It failed."), ApiClient("http://127.0.0.1:9"))

    session.retry()

    assert session.outcomes.keys() == {"a", "c"}
    assert session.failure is None
