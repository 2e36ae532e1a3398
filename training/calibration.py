"""Calibrated confidence: a temperature and a threshold, fitted on validation pictures."""

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
TARGET_ACCURACY = 0.97  # of confident predictions
BINS = 15  # as in Guo et al. 2017
STEPS = 10_000  # thresholds have four decimals


class Calibration(BaseModel):
    """The conversion of logits to a confidence, and the threshold of confident predictions.

    Attributes:
        temperature: logits are divided by it before the softmax.
        threshold: predictions with this confidence, 0..1, or more are confident.
        target_accuracy: accuracy, 0..1, that confident predictions reached on validation. If no
            threshold reached it, the threshold is 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)
    target_accuracy: float = Field(ge=0, le=1)


def calibrate(logits: Floats, labels: Labels) -> Calibration:
    """Fit temperature and threshold on validation pictures.

    Args:
        logits: shape (n, classes).
        labels: shape (n,), indices of the true classes.

    Raises:
        CalibrationError: the logits contain NaN or infinity.
    """
    if not np.isfinite(logits).all():
        raise CalibrationError(
            "The network returned NaN or infinity: training diverged. "
            "Train again with a smaller learning rate."
        )
    temperature = fit_temperature(logits, labels)
    threshold = fit_threshold(calibrated(logits, temperature), labels)
    return Calibration(
        temperature=temperature, threshold=threshold, target_accuracy=TARGET_ACCURACY
    )


def calibrated(logits: Floats, temperature: float) -> npt.NDArray[np.float64]:
    """Probabilities (n, classes): the softmax of `logits` (n, classes) divided by `temperature`."""
    probabilities: npt.NDArray[np.float64] = softmax(
        logits.astype(np.float64) / temperature, axis=1
    )
    return probabilities


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """Find the temperature with the lowest log loss (Guo et al. 2017, arXiv:1706.04599).

    The targets are smoothed by one extra picture that is shared equally among the classes (after
    Platt 1999, "Probabilistic Outputs for Support Vector Machines", 2.2). Without smoothing, a few
    pictures that are all classified correctly would give every prediction a confidence of 1.

    Args:
        logits: shape (n, classes).
        labels: shape (n,), indices of the true classes.

    Returns:
        The temperature, 0.05..20, rounded to four decimals.
    """
    count, classes = logits.shape
    targets = (np.eye(classes)[labels] * count + 1 / classes) / (count + 1)
    exact = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(exact / np.exp(log_temperature), axis=1)
        return -float((targets * scaled).sum(axis=1).mean())

    minimum = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return round(float(np.exp(minimum.x)), 4)


def fit_threshold(probabilities: Floats, labels: Labels) -> float:
    """Find the lowest threshold at which confident predictions reach `TARGET_ACCURACY`.

    Args:
        probabilities: calibrated, shape (n, classes).
        labels: shape (n,).

    Returns:
        0..1, with four decimals; 1 if no threshold reaches the target.
    """
    thresholds, _, accuracy = coverage_curve(probabilities, labels)
    reached = thresholds[accuracy >= TARGET_ACCURACY]
    return float(reached.min()) if len(reached) else 1.0


def coverage_curve(probabilities: Floats, labels: Labels) -> tuple[Floats, Floats, Floats]:
    """Accuracy and coverage of the predictions at or above each confidence threshold.

    Args:
        probabilities: shape (n, classes).
        labels: shape (n,).

    Returns:
        Thresholds with four decimals, strictly falling; the share of pictures at or above each
        threshold (coverage); and the accuracy on those pictures. All 0..1, shape (points,). The
        last point covers all pictures.
    """
    confidence = np.floor(probabilities.max(axis=1) * STEPS) / STEPS
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    # A threshold includes all pictures with the same confidence: take the last one of each.
    (last,) = np.nonzero(np.diff(confidence[order], append=-1))
    covered = last + 1
    accuracy = np.cumsum(right[order])[last] / covered
    return confidence[order][last], covered / len(labels), accuracy


def calibration_bins(probabilities: Floats, labels: Labels) -> list[Bin]:
    """Mean confidence, accuracy and count of each non-empty bin of `BINS` equally wide ones."""
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
