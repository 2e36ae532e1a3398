"""Limits and lifetimes of the data that a visit keeps."""

import pytest

from frontend.api.errors import NotAPicture
from frontend.api.predictions import Prediction
from frontend.images import UnusablePicture, Upload, prepare
from frontend.session import MAX_HISTORY, Session
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


def test_file_is_decoded_once(photo: bytes) -> None:
    session, reads = Session(), []

    def content() -> bytes:
        reads.append(1)
        return photo

    first = session.read_input("id", "china.jpg", content)
    second = session.read_input("id", "china.jpg", content)

    assert first is second
    assert len(reads) == 1


def test_removed_files_are_freed(photo: bytes) -> None:
    session = Session()
    session.read_input("kept", "china.jpg", lambda: photo)
    removed = session.read_input("removed", "notes.jpg", lambda: b"hello")
    assert isinstance(removed.picture, UnusablePicture)

    session.drop_inputs_except(["kept"])

    assert session.inputs.keys() == {"kept"}
