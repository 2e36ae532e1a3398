"""Measuring: what a model, or a bundle through the code that serves it, makes of pictures."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from convert.calibrate import expected_calibration_error
from lambda_api.classifier import Classifier, Network
from lambda_api.manifest import ClassMetrics, Metrics
from training.data import LabelledPictures, read_picture, stream

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]
DECIMALS = 6


def keras_logits(model: Any, pictures: LabelledPictures, size: int) -> Floats:
    """Logits (n, classes) of a Keras model that ends in them."""
    return np.asarray(model.predict(stream(pictures, size, 32), verbose=0))


def network_logits(network: Network, pictures: LabelledPictures) -> Floats:
    """Logits (n, classes) of a model file, picture by picture, as the service computes them."""
    return np.stack(
        [
            network.logits(read_picture(pictures.root / path, network.size[0]))
            for path in pictures.paths
        ]
    )


def bundle_probabilities(classifier: Classifier, pictures: LabelledPictures) -> Floats:
    """Calibrated probabilities (n, classes), from bytes to answer as the service does it."""
    answers = (classifier.classify((pictures.root / path).read_bytes()) for path in pictures.paths)
    classes = classifier.manifest.classes
    return np.array([[dict(answer.scores)[name] for name in classes] for answer in answers])


def measure(probabilities: Floats, labels: Labels, classes: tuple[str, ...]) -> Metrics:
    """Figures of calibrated probabilities (n, classes) against labels (n,)."""
    predicted = probabilities.argmax(axis=1)
    indices = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=indices, zero_division=0
    )
    return Metrics(
        accuracy=_rounded((predicted == labels).mean()),
        macro_f1=_rounded(f1.mean()),
        calibration_error=_rounded(expected_calibration_error(probabilities, labels)),
        per_class={
            name: ClassMetrics(
                precision=_rounded(precision[i]),
                recall=_rounded(recall[i]),
                f1=_rounded(f1[i]),
                support=int(support[i]),
            )
            for i, name in enumerate(classes)
        },
        confusion=tuple(
            tuple(int(n) for n in row)
            for row in confusion_matrix(labels, predicted, labels=indices)
        ),
    )


def agreement(first: Floats, second: Floats) -> float:
    """Share, 0..1, of pictures whose highest score is the same class in both (n, classes)."""
    return _rounded((first.argmax(axis=1) == second.argmax(axis=1)).mean())


def _rounded(value: float | np.floating) -> float:
    return round(float(value), DECIMALS)
