"""Conversion gate: how much a converted model may lose against its Keras model."""

from typing import NamedTuple

import numpy as np

from convert.evaluate import Comparison
from lambda_api.classifier import softmax
from lambda_api.evaluation import Gate, Metrics, Thresholds
from lambda_api.manifest import Scheme
from training.data import LabelledPictures
from training.metrics import rounded


class Failure(NamedTuple):
    """A failed check, and why it failed, as the words of a sentence: `check` `reason`."""

    check: str
    reason: str


def compare_metrics(
    keras: Metrics,
    converted: Metrics,
    agreement: float,
    thresholds: Thresholds,
    operators: tuple[str, ...],
) -> Gate:
    """Differences between two models that were measured on the same pictures.

    Args:
        keras: metrics of the Keras model.
        converted: metrics of the converted model.
        agreement: share, 0..1, of pictures for which both predict the same class.
        thresholds: limits of the gate, recorded with the differences.
        operators: operators of the model file, recorded with the differences.
    """
    recall_drops = [
        keras.per_class[name].recall - converted.per_class[name].recall for name in keras.per_class
    ]
    return Gate(
        thresholds=thresholds,
        pictures=sum(figures.support for figures in keras.per_class.values()),
        accuracy_drop=rounded(keras.accuracy - converted.accuracy),
        recall_drop=rounded(max(recall_drops)),
        agreement=agreement,
        calibration_error_rise=rounded(converted.calibration_error - keras.calibration_error),
        operators=operators,
    )


def calibration_error_limit(gate: Gate) -> float:
    """The largest rise of the expected calibration error that passes.

    At least 2 / n for n pictures: as much as the error changes at most if one picture, with another
    confidence, falls into another bin.
    """
    return max(gate.thresholds.max_calibration_error_rise, rounded(2 / gate.pictures))


def failed_checks(gate: Gate, size: int, keras: Metrics, converted: Metrics) -> list[Failure]:
    """Checks that a converted model fails; empty if it passes the gate.

    Args:
        gate: result of `compare_metrics`.
        size: bytes of the model file.
        keras: metrics of the Keras model on the gate's pictures.
        converted: metrics of the converted model on the same pictures.
    """
    limits = gate.thresholds
    failed: list[Failure] = []

    def fail(check: str, reason: str) -> None:
        failed.append(Failure(check, reason))

    if gate.accuracy_drop > limits.max_accuracy_drop:
        fail(
            "accuracy",
            f"drops by {_points(gate.accuracy_drop)} points, from {keras.accuracy:.4f} to "
            f"{converted.accuracy:.4f}; the limit is {_points(limits.max_accuracy_drop)} "
            "(--max-accuracy-drop)",
        )
    for name, before in keras.per_class.items():
        after = converted.per_class[name]
        if rounded(before.recall - after.recall) > limits.max_recall_drop:
            fail(
                f"recall of {name}",
                f"drops by {_points(before.recall - after.recall)} points, from "
                f"{before.recall:.4f} to {after.recall:.4f} on {before.support} pictures; the "
                f"limit is {_points(limits.max_recall_drop)} (--max-recall-drop)",
            )
    if gate.agreement < limits.min_agreement:
        fail(
            "agreement",
            f"is {gate.agreement:.4f}; the minimum is {limits.min_agreement} (--min-agreement)",
        )
    limit = calibration_error_limit(gate)
    if gate.calibration_error_rise > limit:
        fail(
            "calibration error",
            f"rises by {gate.calibration_error_rise:.4f}, from "
            f"{keras.calibration_error:.4f} to {converted.calibration_error:.4f}; the limit is "
            f"{limit} (--max-calibration-error-rise)",
        )
    if size > limits.max_bytes:
        fail(
            "size",
            f"is {size / 1e6:.2f} MB; the limit is {limits.max_bytes / 1e6:.2f} (--max-megabytes)",
        )
    return failed


def changed_predictions(
    pictures: LabelledPictures, comparison: Comparison, scheme: Scheme
) -> list[str]:
    """One line for each picture that the two models classify differently.

    The pictures with the highest confidence of the Keras model come first.
    """
    before = comparison.keras_logits.argmax(axis=1)
    after = comparison.logits.argmax(axis=1)
    changed = np.flatnonzero(before != after)
    confidences = softmax(comparison.keras_logits, 1.0).max(axis=1)[changed]
    names = pictures.classes
    return [
        f"{pictures.paths[i].as_posix()}: Keras {names[before[i]]}, {scheme} {names[after[i]]}"
        for i in changed[np.argsort(-confidences, kind="stable")]
    ]


def _points(share: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * share:.2f}"
