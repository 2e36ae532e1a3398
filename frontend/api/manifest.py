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


class Manifest(Response):
    """The model's manifest, as far as the page shows it.

    Attributes:
        temperature: divisor of the logits that calibrates the confidence.
        confidence_threshold: confidence (0 to 1) from which a prediction counts as confident.
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
