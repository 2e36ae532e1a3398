"""Data that one visit to the page keeps in the server's memory, with its limits.

A visit starts when the page is loaded and ends when its browser tab is closed. Streamlit runs the
page's script again after each interaction; this data survives those runs.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

import streamlit as st

from frontend.api.errors import PictureRefused
from frontend.api.predictions import OcclusionMap, Prediction
from frontend.images import UnusablePicture, Upload, prepare
from frontend.url_fetch import NotFetched

MAX_PICTURES = 60  # open at a time; each needs some megabytes
MAX_HISTORY = 40  # predictions; each needs some kilobytes, for its thumbnail

_KEY = "lc-visit"


@dataclass(frozen=True, slots=True)
class Input:
    """A file from the visitor: its name, and the picture or the reason why it is unusable."""

    name: str
    picture: Upload | UnusablePicture


def decode_input(name: str, content: bytes) -> Input:
    """Decode a file."""
    try:
        return Input(name, prepare(content, name))
    except UnusablePicture as error:
        return Input(name, error)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A prediction, the time when it arrived (UTC), and its picture's name and thumbnail."""

    at: datetime
    upload_name: str
    thumbnail: bytes
    prediction: Prediction


@dataclass(slots=True)
class Session:
    """The data of one visit.

    Attributes:
        inputs: decoded files by a key that is unique for each file; only those on the page.
        outcomes: final results by the picture's digest.
        too_large: digests of pictures that the API refused with 413 and that are sent reduced.
        explanations: occlusion maps by the picture's digest and the model's version.
        history: predictions, oldest first; at most `MAX_HISTORY`.
        fetched: result of the last download from a URL.
        sample: file name of the chosen sample.
    """

    inputs: dict[str, Input] = field(default_factory=dict)
    outcomes: dict[str, Prediction | PictureRefused] = field(default_factory=dict)
    too_large: set[str] = field(default_factory=set)
    explanations: dict[tuple[str, str], OcclusionMap] = field(default_factory=dict)
    history: list[HistoryEntry] = field(default_factory=list)
    fetched: Input | NotFetched | None = None
    sample: str | None = None

    def read_input(self, key: str, name: str, content: Callable[[], bytes]) -> Input:
        """Decode a file once; later runs of the script get the decoded picture.

        Args:
            key: identifies the file within this visit.
            name: the file's name.
            content: returns the file's bytes.
        """
        if key not in self.inputs:
            self.inputs[key] = decode_input(name, content())
        return self.inputs[key]

    def drop_inputs_except(self, keys: Collection[str]) -> None:
        """Free the pictures that are no longer on the page."""
        for key in self.inputs.keys() - set(keys):
            del self.inputs[key]

    def record(self, upload: Upload, outcome: Prediction | PictureRefused) -> None:
        """Keep the final result for a picture; add a prediction to the history."""
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


def current_session() -> Session:
    """Return the data of the visit for which the script runs."""
    session: Session = st.session_state.setdefault(_KEY, Session())
    return session
