"""Results of a batch: one for each photo, their order, and filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from frontend.api.errors import ApiError
from frontend.api.predictions import NO_CLASS, Prediction, Trust
from frontend.images import UnusablePicture, Upload
from frontend.photos import Photo
from frontend.session import current_session


class State(Enum):
    """State of a photo in a batch; the value is the text to display."""

    CONFIDENT = "confident"
    LOW = "low confidence"
    UNKNOWN = "not a scene I know"
    WAITING = "waiting"
    FAILED = "failed"


_STATES = {
    Trust.CONFIDENT: State.CONFIDENT,
    Trust.LOW: State.LOW,
    Trust.UNKNOWN: State.UNKNOWN,
}
# Least sure first; photos without a prediction last.
_ORDER = (State.UNKNOWN, State.LOW, State.CONFIDENT, State.WAITING, State.FAILED)


@dataclass(frozen=True, slots=True)
class Result:
    """A photo of a batch with its result.

    Attributes:
        photo: the photo.
        outcome: its prediction, the reason why it has none, or None if it is not classified yet.
        correction: the right label as the visitor chose it, or "".
    """

    photo: Photo
    outcome: Prediction | ApiError | UnusablePicture | None = None
    correction: str = ""

    @property
    def prediction(self) -> Prediction | None:
        """The prediction; None if there is none."""
        return self.outcome if isinstance(self.outcome, Prediction) else None

    @property
    def upload(self) -> Upload | None:
        """The decoded picture; None if it is not decoded yet or unusable."""
        return self.photo.picture if isinstance(self.photo.picture, Upload) else None

    @property
    def state(self) -> State:
        """The state to display."""
        if self.prediction:
            return _STATES[self.prediction.trust]
        return State.WAITING if self.outcome is None else State.FAILED

    @property
    def error(self) -> str:
        """The reason why the photo has no prediction, or ""."""
        return str(self.outcome) if self.state is State.FAILED else ""

    @property
    def label(self) -> str:
        """The corrected label, else the predicted one; "" without a prediction.

        It is `NO_CLASS` for a picture that shows none of the classes.
        """
        if self.correction:
            return self.correction
        if not self.prediction:
            return ""
        return NO_CLASS if self.state is State.UNKNOWN else self.prediction.label


def results(photos: Sequence[Photo]) -> list[Result]:
    """Return the results of photos, in the same order."""
    session = current_session()
    return [
        Result(
            photo,
            photo.picture
            if isinstance(photo.picture, UnusablePicture)
            else session.outcomes.get(photo.digest),
            session.corrections.get(photo.digest, ""),
        )
        for photo in photos
    ]


def least_sure_first(found: Sequence[Result]) -> list[Result]:
    """Sort results: unknown scenes, then by confidence, then those without a prediction."""
    return sorted(found, key=_doubt)


def _doubt(result: Result) -> tuple[int, float]:
    prediction = result.prediction
    return _ORDER.index(result.state), prediction.confidence if prediction else 0.0


def chosen(found: Sequence[Result], name: str) -> list[Result]:
    """Return the results of a filter: the text of a `State`, `CHECKED`, or a class."""
    return [one for one in found if name in _names(one)]


CHECKED = "checked"  # by the visitor


def _names(result: Result) -> set[str]:
    names = {result.state.value, result.label} - {"", NO_CLASS}
    return names | ({CHECKED} if result.correction else set())
