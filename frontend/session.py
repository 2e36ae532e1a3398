"""Data that one visit to the page keeps in the server's memory, with its limits.

A visit starts when the page is loaded and ends when its browser tab is closed. Streamlit runs the
page's script again after each interaction; this data survives those runs.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import streamlit as st

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError, PictureRefused
from frontend.api.predictions import OcclusionMap, Prediction
from frontend.images import Upload
from frontend.photos import Photo, PhotoList
from frontend.url_fetch import NotFetched

MAX_HISTORY = 40  # predictions; each needs some kilobytes, for its thumbnail

_KEY = "lc-visit"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A prediction, the time when it arrived (UTC), and its picture's name and thumbnail."""

    at: datetime
    upload_name: str
    thumbnail: bytes
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of the API that stopped the work, and the client that received it."""

    error: ApiError
    client: ApiClient


@dataclass(slots=True)
class Session:
    """The data of one visit.

    Attributes:
        uploads: photos that were uploaded.
        uploader: number of the upload widget; a new number empties the widget.
        camera: the photo of the camera.
        camera_has_photo: whether the camera's widget had a photo in the last run.
        fetched: result of the last download from a URL.
        sample: file name of the chosen sample, or "".
        address: parameters of the page's address that were read or sent last.
        samples: opened samples by file name.
        outcomes: results by the picture's digest: predictions, and errors with one picture.
        failure: why the photos without an outcome have none, until the next attempt.
        too_large: digests of pictures that the API refused with 413 and that are sent reduced.
        explanations: occlusion maps by the picture's digest and the model's version.
        corrections: right labels by the picture's digest, as the visitor chose them.
        unsent: corrections that the API has not stored yet, by the picture's digest.
        correction_error: why the last attempt to store them failed.
        opened: ID of the photo of a batch whose details are shown.
        history: predictions, oldest first; at most `MAX_HISTORY`.
    """

    uploads: PhotoList = field(default_factory=PhotoList)
    uploader: int = 0
    camera: Photo | None = None
    camera_has_photo: bool = False
    fetched: Photo | NotFetched | None = None
    sample: str = ""
    address: dict[str, str] = field(default_factory=dict)
    samples: dict[str, Photo] = field(default_factory=dict)
    outcomes: dict[str, Prediction | ApiError] = field(default_factory=dict)
    failure: Failure | None = None
    too_large: set[str] = field(default_factory=set)
    explanations: dict[tuple[str, str], OcclusionMap] = field(default_factory=dict)
    corrections: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, tuple[Upload, str]] = field(default_factory=dict)
    correction_error: ApiError | None = None
    opened: int | None = None
    history: list[HistoryEntry] = field(default_factory=list)

    def record(self, upload: Upload, outcome: Prediction | ApiError) -> None:
        """Keep the result for a picture; add a prediction to the history."""
        self.outcomes[upload.digest] = outcome
        if isinstance(outcome, Prediction):
            entry = HistoryEntry(datetime.now(UTC), upload.filename, upload.thumbnail, outcome)
            self.history.append(entry)
            del self.history[:-MAX_HISTORY]

    def drop_other_models(self, version: str) -> None:
        """Drop the predictions of all models except the one that the API serves now."""
        for digest, outcome in list(self.outcomes.items()):
            if isinstance(outcome, Prediction) and outcome.model_version != version:
                del self.outcomes[digest]

    def retry(self) -> None:
        """Let the next run request the missing predictions again.

        Pictures that the API refused are not sent again.
        """
        self.failure = None
        for digest, outcome in list(self.outcomes.items()):
            if isinstance(outcome, ApiError) and not isinstance(outcome, PictureRefused):
                del self.outcomes[digest]


def current_session() -> Session:
    """Return the data of the visit for which the script runs."""
    session: Session = st.session_state.setdefault(_KEY, Session())
    return session
