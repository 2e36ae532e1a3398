"""Measuring: what a model, or a bundle through the code that serves it, makes of pictures."""

from typing import Any

import numpy as np

from lambda_api.classifier import Classifier, Network
from lambda_api.evaluation import ClassMetrics, Metrics
from training.batches import stream
from training.calibration import Floats, Labels, expected_calibration_error
from training.data import LabelledPictures, read_picture
from training.metrics import rounded, score


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
    scores = score(probabilities.argmax(axis=1), labels, classes)
    return Metrics(
        accuracy=scores.accuracy,
        macro_f1=scores.macro.f1,
        calibration_error=rounded(expected_calibration_error(probabilities, labels)),
        per_class={
            name: ClassMetrics(**figures.model_dump()) for name, figures in scores.per_class.items()
        },
        confusion=scores.confusion,
    )


def agreement(first: Floats, second: Floats) -> float:
    """Share, 0..1, of pictures whose highest score is the same class in both (n, classes)."""
    return rounded((first.argmax(axis=1) == second.argmax(axis=1)).mean())
