"""What was measured of a model, as its manifest tells it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

Share = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A part of a manifest: nothing in it changes, and nothing is in it that is not told here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassMetrics(Part):
    """One class's figures, each 0..1, on `support` pictures."""

    precision: Share
    recall: Share
    f1: Share
    support: NonNegativeInt


class Metrics(Part):
    """Figures of one model on one set of pictures, each 0..1.

    Attributes:
        calibration_error: expected calibration error (Guo et al. 2017, arXiv:1706.04599), 15 bins
            of equal width.
        confusion: pictures by true class (row) and predicted class (column).
    """

    accuracy: Share
    macro_f1: Share
    calibration_error: Share
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[NonNegativeInt, ...], ...]


class Evaluation(Part):
    """The Keras model and the bundle side by side on the same pictures.

    Attributes:
        pictures: "test", or "validation" where the data has no test part.
        agreement: share of pictures that both give the same label.
    """

    pictures: Literal["test", "validation"]
    count: PositiveInt
    keras: Metrics
    bundle: Metrics
    agreement: Share


class Thresholds(Part):
    """What a bundle must keep of its Keras model. Shares are 0..1, and so are differences of them.

    Attributes:
        max_accuracy_drop: Keras's accuracy minus the bundle's.
        max_recall_drop: the same of the recall of each class.
        min_agreement: share of pictures that both give the same label.
        max_calibration_error_rise: the bundle's expected calibration error minus Keras's.
        max_bytes: size of the model file.
    """

    max_accuracy_drop: Share = 0.005
    max_recall_drop: Share = 0.02
    min_agreement: Share = 0.98
    max_calibration_error_rise: Share = 0.01
    max_bytes: PositiveInt = 50_000_000


class Gate(Part):
    """What a bundle was held to before it was written, on the validation pictures of its run.

    Attributes:
        pictures: how many.
        accuracy_drop: Keras's accuracy minus the bundle's; below zero where the bundle's is higher.
        recall_drop: the same of the class that loses most recall.
        agreement: share of pictures that both give the same label.
        calibration_error_rise: the bundle's expected calibration error minus Keras's.
        operators: of the model file, all of them built into the runtime.
    """

    thresholds: Thresholds
    pictures: PositiveInt
    accuracy_drop: Annotated[float, Field(ge=-1, le=1)]
    recall_drop: Annotated[float, Field(ge=-1, le=1)]
    agreement: Share
    calibration_error_rise: Annotated[float, Field(ge=-1, le=1)]
    operators: tuple[str, ...]
