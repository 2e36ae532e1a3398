"""Confidence that means something: temperature and threshold, both from validation pictures."""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from training.errors import CalibrationError

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
Bin = tuple[float, float, int]

TEMPERATURES = (0.05, 20.0)  # bounds of the search
TARGET_ACCURACY = 0.97  # of the answers that are called confident
BINS = 15  # as in Guo et al. 2017
STEPS = 10_000  # confidences are told apart to four decimals


class Calibration(BaseModel):
    """How logits become a confidence, and from which confidence on an answer counts.

    Attributes:
        temperature: what logits are divided by before the softmax.
        threshold: an answer is confident at this confidence, 0..1, or above.
        target_accuracy: 0..1, what the confident answers reached on validation; a threshold of 1
            says that none did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)
    target_accuracy: float = Field(ge=0, le=1)


def calibrate(logits: Floats, labels: Labels) -> Calibration:
    """Fit temperature and threshold to validation pictures.

    Args:
        logits: shape (n, classes).
        labels: shape (n,), indices of the true classes.

    Raises:
        CalibrationError: logits that are not finite.
    """
    if not np.isfinite(logits).all():
        raise CalibrationError(
            "The network answers with NaN or infinity: its training diverged. "
            "Train again with a smaller learning rate."
        )
    temperature = fit_temperature(logits, labels)
    threshold = fit_threshold(calibrated(logits, temperature), labels)
    return Calibration(
        temperature=temperature, threshold=threshold, target_accuracy=TARGET_ACCURACY
    )


def calibrated(logits: Floats, temperature: float) -> npt.NDArray[np.float64]:
    """Probabilities (n, classes): the softmax of `logits` (n, classes) over the temperature."""
    probabilities: npt.NDArray[np.float64] = softmax(
        logits.astype(np.float64) / temperature, axis=1
    )
    return probabilities


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """The temperature of lowest log loss (Guo et al. 2017, arXiv:1706.04599), four decimals.

    The targets are smoothed (after Platt 1999, "Probabilistic Outputs for Support Vector Machines",
    2.2) by one imagined picture that is shared among the classes: where all of a few pictures are
    right, plain targets would call every answer certain.

    Args:
        logits: shape (n, classes).
        labels: shape (n,), indices of the true classes.
    """
    count, classes = logits.shape
    targets = (np.eye(classes)[labels] * count + 1 / classes) / (count + 1)
    exact = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(exact / np.exp(log_temperature), axis=1)
        return -float((targets * scaled).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return round(float(np.exp(found.x)), 4)


def fit_threshold(probabilities: Floats, labels: Labels) -> float:
    """The lowest confidence at or above which `TARGET_ACCURACY` of the answers are right.

    Args:
        probabilities: calibrated, shape (n, classes).
        labels: shape (n,).

    Returns:
        0..1, four decimals; 1 where no threshold reaches the target.
    """
    thresholds, _, accuracy = coverage_curve(probabilities, labels)
    reached = thresholds[accuracy >= TARGET_ACCURACY]
    return float(reached.min()) if len(reached) else 1.0


def coverage_curve(probabilities: Floats, labels: Labels) -> tuple[Floats, Floats, Floats]:
    """What is gained by answering only from a confidence on.

    Args:
        probabilities: shape (n, classes).
        labels: shape (n,).

    Returns:
        Thresholds in four decimals, falling, no two the same; the share of the pictures whose
        confidence is at or above each; and the share of those that is right. All 0..1, of one
        shape (points,); the last point answers all pictures.
    """
    confidence = np.floor(probabilities.max(axis=1) * STEPS) / STEPS
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    # Of pictures with the same confidence all are answered or none: the last of them counts.
    (last,) = np.nonzero(np.diff(confidence[order], append=-1))
    answered = last + 1
    accuracy = np.cumsum(right[order])[last] / answered
    return confidence[order][last], answered / len(labels), accuracy


def calibration_bins(probabilities: Floats, labels: Labels) -> list[Bin]:
    """Mean confidence, accuracy and count of each filled bin of `BINS` equal ones."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (float(confidence[index == i].mean()), float(right[index == i].mean()), int(n))
        for i, n in enumerate(np.bincount(index, minlength=BINS))
        if n
    ]


def expected_calibration_error(probabilities: Floats, labels: Labels) -> float:
    """Expected calibration error, 0..1 (Guo et al. 2017, equation 3)."""
    bins = calibration_bins(probabilities, labels)
    return sum(n * abs(accuracy - confidence) for confidence, accuracy, n in bins) / len(labels)
