"""Sections of a manifest about validation pictures: thresholds, curves and provenance."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from lambda_api.evaluation import ManifestSection, Share

KNOWN_FILE: Final = "known.npz"
CONFIDENCE_BINS = 20  # of equal width, from 0 to 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Known(ManifestSection):
    """Detector of pictures that are unlike the training pictures.

    The score of a picture is a distance, computed from the pooled features of the network. A
    picture is `known` if its score is at most `threshold`.

    Attributes:
        file: NumPy archive with the parameters of the score. `lambda_api.known` describes its
            arrays.
        sha256: hash of that file.
        bytes: size of that file.
        score: kind of score.
        features: number of pooled features, the second output of the model.
        threshold: largest score that is accepted; chosen on validation pictures.
        acceptance: target, the share of pictures of the known classes that are accepted.
        guaranteed_acceptance: lower limit, at `confidence_level`, of the share of new pictures of
            the known classes that are accepted. Below `acceptance` if there are too few validation
            pictures to guarantee it.
        confidence_level: probability, 0..1, with which the limit holds.
        pictures: number of validation pictures.
        quantiles: scores of the validation pictures at equally spaced quantiles, ascending, from
            the smallest to the largest.
    """

    file: Literal["known.npz"] = KNOWN_FILE
    sha256: Sha256
    bytes: PositiveInt
    score: Literal["residual"]
    features: PositiveInt
    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    acceptance: Share
    guaranteed_acceptance: Share
    confidence_level: Share
    pictures: PositiveInt
    quantiles: Annotated[
        tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=2)
    ]

    @model_validator(mode="after")
    def _quantiles_are_sorted(self) -> Self:
        if list(self.quantiles) != sorted(self.quantiles):
            raise ValueError("quantiles must be ascending")
        return self


class ConfidenceThreshold(ManifestSection):
    """Origin of `confidence_threshold`, on the validation pictures.

    Attributes:
        target_accuracy: target of the accuracy of confident predictions.
        guaranteed_accuracy: lower limit, at `confidence_level`, of the accuracy of confident
            predictions on new pictures. Below `target_accuracy` if there are too few validation
            pictures to guarantee it.
        confidence_level: probability, 0..1, with which the limit holds.
        coverage: share of the validation pictures with a confident prediction.
        accuracy: accuracy of the confident predictions on the validation pictures.
    """

    target_accuracy: Share
    guaranteed_accuracy: Share
    confidence_level: Share
    coverage: Share
    accuracy: Share


class ReliabilityBin(ManifestSection):
    """One bin of the reliability diagram: mean confidence, accuracy and number of pictures."""

    confidence: Share
    accuracy: Share
    pictures: PositiveInt


class CoveragePoint(ManifestSection):
    """One confidence threshold, with the share of pictures that reach it, and their accuracy.

    Pictures that are not `known` do not count as reaching it.
    """

    threshold: Share
    coverage: Share
    accuracy: Share


class Mistake(ManifestSection):
    """A validation picture with a wrong prediction.

    Attributes:
        file: path of the picture in the data set.
        label: true class.
        predicted: predicted class.
        confidence: calibrated probability of the predicted class.
        known: whether the picture is accepted as known; None without a detector.
        thumbnail: small JPEG in base64; None if the bundle was written without thumbnails.
    """

    file: str
    label: str
    predicted: str
    confidence: Share
    known: bool | None
    thumbnail: str | None


class Validation(ManifestSection):
    """The bundle on the validation pictures of its run, as a reference for later pictures.

    Attributes:
        pictures: number of validation pictures.
        predicted: number of pictures by predicted class.
        confidence_histogram: number of pictures by confidence of the label, in bins of equal width
            from 0 to 1.
        unknown: share of the pictures that are not `known`; None without a detector.
        reliability: bins of the reliability diagram that contain pictures, by ascending confidence.
        coverage: coverage and accuracy by confidence threshold, descending.
        mistakes: wrong predictions, the most confident first; a limited number for each pair of
            classes. Empty unless the bundle was written with them.
    """

    pictures: PositiveInt
    predicted: dict[str, NonNegativeInt]
    confidence_histogram: Annotated[
        tuple[NonNegativeInt, ...],
        Field(min_length=CONFIDENCE_BINS, max_length=CONFIDENCE_BINS),
    ]
    unknown: Share | None
    reliability: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]
    mistakes: tuple[Mistake, ...] = ()


class Teacher(ManifestSection):
    """A run whose predictions the model learned."""

    run: str
    architecture: str
    validation_accuracy: Share
    model_sha256: Sha256


class Refit(ManifestSection):
    """The run that was repeated on its training and validation pictures.

    Attributes:
        run: name of its folder.
        model_sha256: hash of its Keras model.
        validation_accuracy: of that run, on all of its validation pictures.
    """

    run: str
    model_sha256: Sha256
    validation_accuracy: Share
