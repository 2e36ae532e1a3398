"""Confidence that means something: temperature and threshold, both from validation pictures."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]

TEMPERATURES = (0.05, 20.0)  # bounds of the search
TARGET_ACCURACY = 0.97  # of the answers that are called confident
BINS = 15  # as in Guo et al. 2017


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

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
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
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence)
    right = (probabilities.argmax(axis=1) == labels)[order]
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    (reached,) = np.nonzero(accuracy >= TARGET_ACCURACY)
    if not len(reached):
        return 1.0
    return float(np.floor(confidence[order[reached[-1]]] * 10_000) / 10_000)


def calibration_bins(probabilities: Floats, labels: Labels) -> list[tuple[float, float, int]]:
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
