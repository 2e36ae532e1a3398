"""Response of `GET /model`: the fields of the model's manifest that the page shows."""

from datetime import datetime
from typing import Literal

from frontend.api.predictions import Response


class ClassMetrics(Response):
    """Metrics of one class, each 0 to 1, on `support` pictures."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(Response):
    """Metrics of a model on one set of pictures, each 0 to 1.

    Attributes:
        accuracy: share of correct predictions.
        macro_f1: mean F1 over the classes.
        calibration_error: mean difference between confidence and accuracy.
        per_class: metrics by label.
        confusion: number of pictures by true class (row) and predicted class (column).
    """

    accuracy: float
    macro_f1: float
    calibration_error: float
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]


class Evaluation(Response):
    """Metrics of the served model on `count` pictures that it was not trained on."""

    pictures: Literal["test", "validation"]
    count: int
    bundle: Metrics


class InputSize(Response):
    """Input size of the network in pixels."""

    height: int
    width: int


class ModelFile(Response):
    """Size of the model file in bytes."""

    bytes: int


class Dataset(Response):
    """Training data: its name and the number of pictures in each split."""

    name: str
    train: int
    validation: int
    test: int


class ReliabilityBin(Response):
    """Mean confidence, accuracy and number of pictures in one bin of confidences."""

    confidence: float
    accuracy: float
    pictures: int


class CoveragePoint(Response):
    """Share of pictures with at least a confidence of `threshold`, and their accuracy."""

    threshold: float
    coverage: float
    accuracy: float


class Mistake(Response):
    """A validation picture with a wrong prediction.

    Attributes:
        file: its path in the data set.
        label: true class.
        predicted: predicted class.
        confidence: confidence of the prediction, 0 to 1.
        thumbnail: JPEG in base64; None if the bundle has none.
    """

    file: str
    label: str
    predicted: str
    confidence: float
    thumbnail: str | None = None


class Validation(Response):
    """The served model on the validation pictures of its training.

    Attributes:
        pictures: number of pictures.
        reliability: bins by ascending confidence.
        coverage: points by descending threshold.
        mistakes: wrong predictions, the most confident first; a limited number.
    """

    pictures: int
    reliability: tuple[ReliabilityBin, ...] = ()
    coverage: tuple[CoveragePoint, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


class Detector(Response):
    """Detector of pictures that are unlike the training pictures.

    Attributes:
        acceptance: share of the validation pictures that it accepts, 0 to 1.
    """

    acceptance: float


class Manifest(Response):
    """The model's manifest, as far as the page shows it.

    Attributes:
        temperature: divisor of the logits that calibrates the confidence.
        confidence_threshold: confidence (0 to 1) from which a prediction counts as confident.
        known: detector of unknown pictures; None if the model has none.
        validation: the model on its validation pictures; None if the bundle does not describe it.
    """

    name: str
    version: str
    created: datetime
    classes: tuple[str, ...]
    architecture: str
    input: InputSize
    quantization: str
    model: ModelFile
    temperature: float
    confidence_threshold: float
    evaluation: Evaluation
    dataset: Dataset
    known: Detector | None = None
    validation: Validation | None = None
