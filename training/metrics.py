"""Metrics of predictions on labeled pictures."""

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
POINTS = 200  # at most, on the curve of accuracy against coverage


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Average(_Record):
    """Unweighted means over the classes, 0..1."""

    precision: float
    recall: float
    f1: float


class ClassScores(_Record):
    """Scores of one class with `support` pictures. Each is 0..1, and 0 if undefined."""

    precision: float
    recall: float
    f1: float
    support: int


class Scores(_Record):
    """Scores of the predicted labels, without their confidence.

    Attributes:
        accuracy: 0..1.
        macro: means over the classes.
        per_class: by class name, in the order of the labels.
        confusion: number of pictures by true class (row) and predicted class (column).
    """

    accuracy: float
    macro: Average
    per_class: dict[str, ClassScores]
    confusion: tuple[tuple[int, ...], ...]


class Coverage(_Record):
    """Accuracy against coverage, by rising coverage; see `calibration.coverage_curve`."""

    threshold: tuple[float, ...]
    coverage: tuple[float, ...]
    accuracy: tuple[float, ...]


class ReportMetrics(Scores):
    """All metrics of a network on one set of pictures: the contents of `metrics.json`.

    Attributes:
        pictures: number of pictures.
        accuracy_interval: 95% confidence interval of the accuracy, 0..1 (Wilson 1927).
        log_loss: mean, in nats, at the fitted temperature.
        log_loss_uncalibrated: mean, in nats, at a temperature of 1.
        calibration_error: expected calibration error, 0..1 (Guo et al. 2017, arXiv:1706.04599),
            15 bins of equal width, at the fitted temperature.
        calibration_error_uncalibrated: expected calibration error at a temperature of 1.
        calibration: the temperature and threshold.
        share_confident: share, 0..1, of predictions at or above the threshold.
        accuracy_confident: accuracy, 0..1, of these predictions; None if there are none.
        coverage: share and accuracy at other thresholds.
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


def report_metrics(
    logits: Floats, labels: Labels, classes: tuple[str, ...], calibration: Calibration
) -> ReportMetrics:
    """Compute all metrics of `logits` (n, classes) against `labels` (n,)."""
    plain, scaled = calibrated(logits, 1.0), calibrated(logits, calibration.temperature)
    right = scaled.argmax(axis=1) == labels
    interval = binomtest(int(right.sum()), len(labels)).proportion_ci(method="wilson")
    confident = scaled.max(axis=1) >= calibration.threshold
    indices = range(len(classes))
    return ReportMetrics(
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


def score(predicted: Labels, labels: Labels, classes: tuple[str, ...]) -> Scores:
    """Compute the scores of `predicted` labels (n,) against true `labels` (n,)."""
    indices = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=indices, zero_division=0
    )
    return Scores(
        accuracy=rounded((predicted == labels).mean()),
        macro=Average(
            precision=rounded(precision.mean()),
            recall=rounded(recall.mean()),
            f1=rounded(f1.mean()),
        ),
        per_class={
            name: ClassScores(
                precision=rounded(precision[i]),
                recall=rounded(recall[i]),
                f1=rounded(f1[i]),
                support=int(support[i]),
            )
            for i, name in enumerate(classes)
        },
        confusion=tuple(
            tuple(int(n) for n in row)
            for row in confusion_matrix(labels, predicted, labels=indices)
        ),
    )


def rounded(value: float | np.floating) -> float:
    """Round `value` to `DECIMALS`, as in reports and manifests."""
    return round(float(value), DECIMALS)


def _coverage(probabilities: Floats, labels: Labels) -> Coverage:
    """The curve at no more than `POINTS` evenly spread points, both ends included."""
    thresholds, coverage, accuracy = coverage_curve(probabilities, labels)
    chosen = np.unique(np.searchsorted(coverage, np.linspace(coverage[0], coverage[-1], POINTS)))
    threshold, share, right = (
        tuple(rounded(value) for value in values[chosen])
        for values in (thresholds, coverage, accuracy)
    )
    return Coverage(threshold=threshold, coverage=share, accuracy=right)
