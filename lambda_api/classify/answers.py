"""Answers of `classify`: what a process returns for a picture, as JSON and as a row."""

from dataclasses import dataclass
from typing import Any

from lambda_api.classifier import Classifier, Prediction
from lambda_api.classify.sources import Source
from lambda_api.images import PictureError


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction without its pixels, so that processes can exchange it.

    Attributes:
        scores: (label, calibrated probability 0..1), the most probable first.
        confident: True if the first probability reaches the bundle's confidence threshold.
        more: `known` and `familiarity`, which are None if the bundle has no detector.
    """

    scores: tuple[tuple[str, float], ...]
    confident: bool
    more: dict[str, Any]

    @classmethod
    def of(cls, prediction: Prediction) -> "Answer":
        """Return the answer of a prediction."""
        familiarity = prediction.familiarity
        more = {"known": prediction.known, "familiarity": familiarity and round(familiarity, 6)}
        return cls(prediction.scores, prediction.confident, more)

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.scores[0][0]

    @property
    def known(self) -> bool:
        """False if the bundle has judged the picture to be unlike its training pictures."""
        return self.more.get("known") is not False

    def fields(self, top_k: int | None) -> dict[str, Any]:
        """Return the fields of a line of JSON, with the first `top_k` classes; None for all."""
        return {
            "label": self.label,
            "confidence": round(self.scores[0][1], 6),
            "confident": self.confident,
            **self.more,
            "predictions": [
                {"label": label, "confidence": round(confidence, 6)}
                for label, confidence in self.scores[:top_k]
            ],
        }

    def row(self, top_k: int | None) -> str:
        """Return the classes as a row of a table."""
        scores = "  ".join(f"{label} {score:6.1%}" for label, score in self.scores[: top_k or 1])
        remark = "" if self.known else "  (unknown: unlike the training pictures)"
        return f"{scores}{remark}{'' if self.confident or remark else '  (low confidence)'}"


Outcome = Answer | str  # str: the reason if a picture could not be classified


def classify(classifier: Classifier, data: bytes) -> Outcome:
    """Classify a picture."""
    try:
        return Answer.of(classifier.classify(data))
    except PictureError as error:
        return str(error)
    except MemoryError:
        return "not enough memory"


def unreadable(error: OSError) -> str:
    """Return the reason why a file cannot be read."""
    return f"cannot be read: {error.strerror or error}"


def line(source: Source, outcome: Outcome, top_k: int | None) -> dict[str, Any]:
    """Return a line of JSON for a picture."""
    if isinstance(outcome, str):
        return {"file": source.name, "error": outcome}
    return {"file": source.name, **outcome.fields(top_k)}
