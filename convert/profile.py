"""The bundle on the validation pictures: thresholds, curves, mix of classes, and mistakes."""

import base64
from collections import defaultdict
from io import BytesIO

import numpy as np
from PIL import Image

from convert.limits import CONFIDENCE_LEVEL, Flags, confidence_threshold
from lambda_api.profile import (
    CONFIDENCE_BINS,
    ConfidenceThreshold,
    CoveragePoint,
    Mistake,
    ReliabilityBin,
    Validation,
)
from training.calibration import Floats, Labels, calibration_bins
from training.data import LabelledPictures, read_picture
from training.metrics import rounded

CURVE_POINTS = 100
MISTAKES_PER_CELL = 6  # of the confusion matrix
THUMBNAIL_QUALITY = 70


def choose_threshold(
    probabilities: Floats, labels: Labels, known: Flags, target: float
) -> tuple[float, ConfidenceThreshold]:
    """Choose the confidence threshold on validation pictures.

    Args:
        probabilities: calibrated, (pictures, classes).
        labels: (pictures,), indices of the true classes.
        known: bool (pictures,); other pictures are never confident.
        target: accuracy of confident predictions, 0..1.
    """
    confidences = np.where(known, probabilities.max(axis=1), -1)
    correct = probabilities.argmax(axis=1) == labels
    limited = confidence_threshold(confidences, correct, target)
    confident = confidences >= limited.threshold
    section = ConfidenceThreshold(
        target_accuracy=target,
        guaranteed_accuracy=rounded(limited.guaranteed),
        confidence_level=CONFIDENCE_LEVEL,
        coverage=rounded(confident.mean()),
        accuracy=rounded(correct[confident].mean()) if confident.any() else 0,
    )
    return limited.threshold, section


def validation_profile(
    pictures: LabelledPictures, probabilities: Floats, known: Flags, thumbnail_pixels: int
) -> Validation:
    """Describe the predictions for the validation pictures.

    Args:
        pictures: the validation pictures.
        probabilities: calibrated, (pictures, classes).
        known: bool (pictures,).
        thumbnail_pixels: side of the mistakes' thumbnails; 0 leaves the mistakes out.
    """
    confidences, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    classes = pictures.classes
    counts = np.bincount(predicted, minlength=len(classes)).tolist()
    edges = np.linspace(0, 1, CONFIDENCE_BINS + 1)
    return Validation(
        pictures=len(pictures),
        predicted=dict(zip(classes, counts, strict=True)),
        confidence_histogram=tuple(np.histogram(confidences, edges)[0].tolist()),
        unknown=rounded(1 - known.mean()),
        reliability=tuple(
            ReliabilityBin(confidence=rounded(mean), accuracy=rounded(share), pictures=count)
            for mean, share, count in calibration_bins(probabilities, pictures.labels)
        ),
        coverage=_coverage(confidences, predicted == pictures.labels, known),
        mistakes=_mistakes(pictures, probabilities, known, thumbnail_pixels)
        if thumbnail_pixels
        else (),
    )


def _coverage(confidences: Floats, correct: Flags, known: Flags) -> tuple[CoveragePoint, ...]:
    """At most `CURVE_POINTS` points at equal steps of coverage, and the last one."""
    accepted = confidences[known]
    if not len(accepted):
        return ()
    order = np.argsort(-accepted, kind="stable")
    hits = np.cumsum(correct[known][order])
    ranks = np.unique(np.linspace(1, len(order), CURVE_POINTS).round().astype(int))
    return tuple(
        CoveragePoint(
            threshold=rounded(accepted[order[rank - 1]]),
            coverage=rounded(rank / len(confidences)),
            accuracy=rounded(hits[rank - 1] / rank),
        )
        for rank in ranks.tolist()
    )


def _mistakes(
    pictures: LabelledPictures, probabilities: Floats, known: Flags, pixels: int
) -> tuple[Mistake, ...]:
    """The most confident mistakes, at most `MISTAKES_PER_CELL` for each pair of classes."""
    predicted, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != pictures.labels)
    listed: dict[tuple[int, int], int] = defaultdict(int)
    found = []
    for i in wrong[np.argsort(-confidences[wrong], kind="stable")].tolist():
        cell = int(pictures.labels[i]), int(predicted[i])
        listed[cell] += 1
        if listed[cell] > MISTAKES_PER_CELL:
            continue
        found.append(
            Mistake(
                file=pictures.paths[i].as_posix(),
                label=pictures.classes[cell[0]],
                predicted=pictures.classes[cell[1]],
                confidence=rounded(confidences[i]),
                known=bool(known[i]),
                thumbnail=_thumbnail(pictures, i, pixels),
            )
        )
    return tuple(found)


def _thumbnail(pictures: LabelledPictures, index: int, pixels: int) -> str:
    buffer = BytesIO()
    image = Image.fromarray(read_picture(pictures.root / pictures.paths[index], pixels))
    image.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
