"""Evaluation results of a model, as stored in its manifest."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

Share = Annotated[float, Field(ge=0, le=1)]


class ManifestSection(BaseModel):
    """Base of all sections of a manifest: immutable, unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassMetrics(ManifestSection):
    """Metrics of one class, each 0..1, on `support` pictures."""

    precision: Share
    recall: Share
    f1: Share
    support: NonNegativeInt


class Metrics(ManifestSection):
    """Metrics of one model on one set of pictures, each 0..1.

    Attributes:
        calibration_error: expected calibration error (Guo et al. 2017, arXiv:1706.04599), 15 bins
            of equal width.
        confusion: numbers of pictures by true class (row) and predicted class (column).
    """

    accuracy: Share
    macro_f1: Share
    calibration_error: Share
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[NonNegativeInt, ...], ...]


class Evaluation(ManifestSection):
    """The Keras model and the bundle, evaluated on the same pictures.

    Attributes:
        pictures: "test", or "validation" if the data has no test split.
        agreement: share of pictures for which both predict the same label.
    """

    pictures: Literal["test", "validation"]
    count: PositiveInt
    keras: Metrics
    bundle: Metrics
    agreement: Share


class Thresholds(ManifestSection):
    """Limits of the conversion gate. Shares and differences of shares are 0..1.

    Attributes:
        max_accuracy_drop: accuracy of Keras minus that of the bundle.
        max_recall_drop: recall of Keras minus that of the bundle, for each class.
        min_agreement: share of pictures for which both predict the same label.
        max_calibration_error_rise: expected calibration error of the bundle minus that of Keras.
        max_bytes: size of the model file.
        max_acceptance_drop: share of pictures that the detector of unknown pictures has to accept,
            minus the share that it accepts on validation, beyond chance.
    """

    max_accuracy_drop: Share = 0.005
    max_recall_drop: Share = 0.02
    min_agreement: Share = 0.98
    max_calibration_error_rise: Share = 0.01
    max_bytes: PositiveInt = 50_000_000
    max_acceptance_drop: Share = 0.02


class Gate(ManifestSection):
    """Results of the conversion gate on the validation pictures of the run.

    Attributes:
        pictures: number of validation pictures.
        accuracy_drop: accuracy of Keras minus that of the bundle; negative if the bundle is better.
        recall_drop: recall of Keras minus that of the bundle, for the class that loses most.
        agreement: share of pictures for which both predict the same label.
        calibration_error_rise: expected calibration error of the bundle minus that of Keras.
        operators: operators of the model file, all built into the runtime.
        known_acceptance: share of the pictures that the detector of unknown pictures accepts, with
            a threshold from other validation pictures; None before schema version 3.
    """

    thresholds: Thresholds
    pictures: PositiveInt
    accuracy_drop: Annotated[float, Field(ge=-1, le=1)]
    recall_drop: Annotated[float, Field(ge=-1, le=1)]
    agreement: Share
    calibration_error_rise: Annotated[float, Field(ge=-1, le=1)]
    operators: tuple[str, ...]
    known_acceptance: Share | None = None
