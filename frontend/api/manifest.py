"""What `GET /model` tells of the model: the part of its manifest that a person looks at."""

from datetime import datetime
from typing import Literal

from frontend.api.predictions import Answer


class ClassMetrics(Answer):
    """One class's figures, each 0 to 1, on `support` pictures."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(Answer):
    """Figures of a model on one set of pictures, each 0 to 1.

    Attributes:
        calibration_error: how far, on average, confidence is from accuracy.
        confusion: pictures by true class (row) and predicted class (column).
    """

    accuracy: float
    macro_f1: float
    calibration_error: float
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]


class Evaluation(Answer):
    """How the model that serves did on `count` pictures that it was not trained on."""

    pictures: Literal["test", "validation"]
    count: int
    bundle: Metrics


class InputSize(Answer):
    """What the network looks at, in pixels."""

    height: int
    width: int


class ModelFile(Answer):
    """The model's file."""

    bytes: int


class Dataset(Answer):
    """What the model was trained on; counts are pictures."""

    name: str
    train: int
    validation: int
    test: int


class Manifest(Answer):
    """All that the page shows of a model."""

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
