"""The figures of a network on labelled pictures."""

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from training.calibration import (
    Calibration,
    Floats,
    Labels,
    calibrated,
    coverage_curve,
    expected_calibration_error,
)

DECIMALS = 6
POINTS = 200  # of the curve of accuracy against coverage, at most


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Average(_Figures):
    """Means over the classes, each class counting the same; 0..1."""

    precision: float
    recall: float
    f1: float


class ClassMetrics(_Figures):
    """One class's figures, each 0..1 and 0 where undefined, on `support` pictures."""

    precision: float
    recall: float
    f1: float
    support: int


class Scores(_Figures):
    """What the answers alone say, whatever their confidence.

    Attributes:
        accuracy: 0..1.
        confusion: pictures by true class (row) and answered class (column).
    """

    accuracy: float
    macro: Average
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]


class Coverage(_Figures):
    """Accuracy against coverage, from few answers to all; see `calibration.coverage_curve`."""

    threshold: tuple[float, ...]
    coverage: tuple[float, ...]
    accuracy: tuple[float, ...]


class Metrics(Scores):
    """All figures of a network on one set of pictures. Shares are 0..1.

    Attributes:
        pictures: how many.
        accuracy_interval: where the accuracy on many such pictures is to be expected, with 95 %
            confidence (Wilson 1927).
        log_loss: mean, in nats, at the fitted temperature.
        log_loss_uncalibrated: the same at a temperature of 1.
        calibration_error: expected calibration error (Guo et al. 2017, arXiv:1706.04599), 15 bins
            of equal width, at the fitted temperature.
        calibration_error_uncalibrated: the same at a temperature of 1.
        share_confident: of the answers at or above the threshold.
        accuracy_confident: of those; None where there are none.
        coverage: what other thresholds would give.
    """

    pictures: int
    accuracy_interval: tuple[float, float]
    log_loss: float
    log_loss_uncalibrated: float
    calibration_error: float
    calibration_error_uncalibrated: float
    calibration: Calibration
    share_confident: float
    accuracy_confident: float | None
    coverage: Coverage


def measure(
    logits: Floats, labels: Labels, classes: tuple[str, ...], calibration: Calibration
) -> Metrics:
    """All figures of `logits` (n, classes) against `labels` (n,)."""
    plain, scaled = calibrated(logits, 1.0), calibrated(logits, calibration.temperature)
    right = scaled.argmax(axis=1) == labels
    interval = binomtest(int(right.sum()), len(labels)).proportion_ci(method="wilson")
    confident = scaled.max(axis=1) >= calibration.threshold
    indices = range(len(classes))
    return Metrics(
        **dict(score(scaled.argmax(axis=1), labels, classes)),
        pictures=len(labels),
        accuracy_interval=(rounded(interval.low), rounded(interval.high)),
        log_loss=rounded(log_loss(labels, scaled, labels=indices)),
        log_loss_uncalibrated=rounded(log_loss(labels, plain, labels=indices)),
        calibration_error=rounded(expected_calibration_error(scaled, labels)),
        calibration_error_uncalibrated=rounded(expected_calibration_error(plain, labels)),
        calibration=calibration,
        share_confident=rounded(confident.mean()),
        accuracy_confident=rounded(right[confident].mean()) if confident.any() else None,
        coverage=_coverage(scaled, labels),
    )


def score(answers: Labels, labels: Labels, classes: tuple[str, ...]) -> Scores:
    """The figures of `answers` (n,), indices of classes, against `labels` (n,)."""
    indices = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, answers, labels=indices, zero_division=0
    )
    return Scores(
        accuracy=rounded((answers == labels).mean()),
        macro=Average(
            precision=rounded(precision.mean()),
            recall=rounded(recall.mean()),
            f1=rounded(f1.mean()),
        ),
        per_class={
            name: ClassMetrics(
                precision=rounded(precision[i]),
                recall=rounded(recall[i]),
                f1=rounded(f1[i]),
                support=int(support[i]),
            )
            for i, name in enumerate(classes)
        },
        confusion=tuple(
            tuple(int(n) for n in row) for row in confusion_matrix(labels, answers, labels=indices)
        ),
    )


def rounded(value: float | np.floating) -> float:
    """`value` to `DECIMALS`, as figures are written down."""
    return round(float(value), DECIMALS)


def _coverage(probabilities: Floats, labels: Labels) -> Coverage:
    """The curve at no more than `POINTS` points, evenly spread, with its two ends."""
    thresholds, coverage, accuracy = coverage_curve(probabilities, labels)
    chosen = np.unique(np.searchsorted(coverage, np.linspace(coverage[0], coverage[-1], POINTS)))
    threshold, share, right = (
        tuple(rounded(value) for value in values[chosen])
        for values in (thresholds, coverage, accuracy)
    )
    return Coverage(threshold=threshold, coverage=share, accuracy=right)
