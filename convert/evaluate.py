"""Metrics of models and bundles on labeled pictures, computed through the serving code."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.errors import GateError
from convert.source import ConversionSource
from lambda_api.classifier import Classifier, Network, Prediction, softmax
from lambda_api.evaluation import ClassMetrics, Metrics
from lambda_api.known import Features
from training.calibration import Floats, Labels, expected_calibration_error
from training.data import LabelledPictures, file_hashes, read_folder, read_picture
from training.errors import DataError
from training.layout import composed
from training.metrics import rounded, score


@dataclass(frozen=True)
class Comparison:
    """A Keras model and a network converted from it, measured on the same pictures.

    Attributes:
        keras_logits: float (pictures, classes), not calibrated.
        logits: logits of the converted network, same shape.
        features: float32 (pictures, features), pooled features of the converted network.
        keras: metrics of the Keras model's calibrated probabilities.
        converted: metrics of the converted network's calibrated probabilities.
        agreement: share, 0..1, of pictures for which both predict the same class.
    """

    keras_logits: Floats
    logits: Floats
    features: Features
    keras: Metrics
    converted: Metrics
    agreement: float


def side_by_side(
    source: ConversionSource, network: Network, pictures: LabelledPictures
) -> Comparison:
    """Measure the Keras model of `source` and a `network` converted from it on `pictures`.

    Both are calibrated with the temperature of the run.

    Raises:
        GateError: the converted network returns NaN or infinity.
    """
    logits, features = network_outputs(network, pictures)
    if not (np.isfinite(logits).all() and np.isfinite(features).all()):
        raise GateError("The converted model returns NaN or infinity. Use another --scheme.")
    keras_logits = source.keras_logits(pictures)
    temperature, classes = source.result.calibration.temperature, source.split.classes
    agreeing = keras_logits.argmax(axis=1) == logits.argmax(axis=1)
    return Comparison(
        keras_logits=keras_logits,
        logits=logits,
        features=features,
        keras=compute_metrics(softmax(keras_logits, temperature), pictures.labels, classes),
        converted=compute_metrics(softmax(logits, temperature), pictures.labels, classes),
        agreement=rounded(agreeing.mean()),
    )


def network_outputs(network: Network, pictures: LabelledPictures) -> tuple[Floats, Features]:
    """Logits and pooled features of a model file, one picture at a time, as in serving.

    Returns:
        float32 (pictures, classes) and float32 (pictures, features).
    """
    size = network.size[0]
    outputs = [network.run(read_picture(pictures.root / path, size)) for path in pictures.paths]
    logits, features = zip(*outputs, strict=True)
    return np.stack(logits), np.stack(features)


def predict(classifier: Classifier, pictures: LabelledPictures) -> list[Prediction]:
    """Predictions for pictures, from encoded bytes on, as in serving."""
    return [classifier.classify((pictures.root / path).read_bytes()) for path in pictures.paths]


def probabilities_of(predictions: list[Prediction], classes: tuple[str, ...]) -> Floats:
    """Calibrated probabilities, (pictures, classes), of predictions."""
    return np.array([[dict(found.scores)[name] for name in classes] for found in predictions])


def bundle_probabilities(classifier: Classifier, pictures: LabelledPictures) -> Floats:
    """Calibrated probabilities (pictures, classes), from encoded bytes on, as in serving."""
    return probabilities_of(predict(classifier, pictures), classifier.manifest.classes)


def read_labeled(classes: tuple[str, ...], folder: Path) -> LabelledPictures:
    """Find the pictures in `folder`/<class>/ and check that all can be read.

    Raises:
        DataError: the classes differ from those of the bundle, or pictures cannot be read.
    """
    pictures = read_folder(folder)
    if pictures.classes != composed(classes):
        raise DataError(
            f"{folder}: the classes are {', '.join(pictures.classes)}, but the bundle's classes "
            f"are {', '.join(classes)}. Use a folder with one folder for each of these."
        )
    file_hashes(pictures)  # reports every unreadable picture at once
    return pictures


def compute_metrics(probabilities: Floats, labels: Labels, classes: tuple[str, ...]) -> Metrics:
    """Metrics of calibrated probabilities (pictures, classes) against labels (pictures,)."""
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
