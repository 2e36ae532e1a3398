"""The gate: what a model file must keep of its Keras model to become a bundle."""

from typing import NamedTuple

import numpy as np

from lambda_api.classifier import softmax
from lambda_api.evaluation import Gate, Metrics, Thresholds
from lambda_api.manifest import Scheme
from training.calibration import Floats
from training.data import LabelledPictures
from training.metrics import rounded


class Failure(NamedTuple):
    """A check that a candidate fails, and by how much, for people."""

    check: str
    reason: str


def compared(
    keras: Metrics,
    candidate: Metrics,
    agreeing: float,
    thresholds: Thresholds,
    operators: tuple[str, ...],
) -> Gate:
    """The differences of two models that were measured on the same pictures."""
    recalls = [
        keras.per_class[name].recall - candidate.per_class[name].recall for name in keras.per_class
    ]
    return Gate(
        thresholds=thresholds,
        pictures=sum(figures.support for figures in keras.per_class.values()),
        accuracy_drop=rounded(keras.accuracy - candidate.accuracy),
        recall_drop=rounded(max(recalls)),
        agreement=agreeing,
        calibration_error_rise=rounded(candidate.calibration_error - keras.calibration_error),
        operators=operators,
    )


def failures(gate: Gate, size: int, keras: Metrics, candidate: Metrics) -> list[Failure]:
    """What a candidate fails; nothing where it passes.

    Args:
        gate: of `compared`.
        size: bytes of the model file.
        keras: measured on the gate's pictures.
        candidate: measured on the same.
    """
    limits = gate.thresholds
    failed: list[Failure] = []

    def fail(check: str, reason: str) -> None:
        failed.append(Failure(check, reason))

    if gate.accuracy_drop > limits.max_accuracy_drop:
        fail(
            "accuracy",
            f"falls by {_points(gate.accuracy_drop)} points, from {keras.accuracy:.4f} to "
            f"{candidate.accuracy:.4f}; {_points(limits.max_accuracy_drop)} are allowed "
            "(--max-accuracy-drop)",
        )
    for name, before in keras.per_class.items():
        after = candidate.per_class[name]
        if rounded(before.recall - after.recall) > limits.max_recall_drop:
            fail(
                f"recall of {name}",
                f"falls by {_points(before.recall - after.recall)} points, from "
                f"{before.recall:.4f} to {after.recall:.4f} on {before.support} pictures; "
                f"{_points(limits.max_recall_drop)} are allowed (--max-recall-drop)",
            )
    if gate.agreement < limits.min_agreement:
        fail(
            "agreement",
            f"is {gate.agreement:.4f}; {limits.min_agreement} is the least (--min-agreement)",
        )
    if gate.calibration_error_rise > limits.max_calibration_error_rise:
        fail(
            "calibration error",
            f"rises by {gate.calibration_error_rise:.4f}, from "
            f"{keras.calibration_error:.4f} to {candidate.calibration_error:.4f}; "
            f"{limits.max_calibration_error_rise} is allowed (--max-calibration-error-rise)",
        )
    if size > limits.max_bytes:
        fail(
            "size",
            f"is {size / 1e6:.2f} MB; {limits.max_bytes / 1e6:.2f} are allowed (--max-megabytes)",
        )
    return failed


def changed_answers(
    pictures: LabelledPictures, keras: Floats, candidate: Floats, scheme: Scheme
) -> list[str]:
    """The pictures that the two models, (n, classes) each, answer differently, a line each.

    The first are those that Keras was most sure of.
    """
    before, after = keras.argmax(axis=1), candidate.argmax(axis=1)
    changed = np.flatnonzero(before != after)
    sure = softmax(keras, 1.0).max(axis=1)[changed]
    names = pictures.classes
    return [
        f"{pictures.paths[i].as_posix()}: "
        f"{names[before[i]]} by Keras, {names[after[i]]} by {scheme}"
        for i in changed[np.argsort(-sure, kind="stable")]
    ]


def _points(share: float) -> str:
    return f"{100 * share:.2f}"
