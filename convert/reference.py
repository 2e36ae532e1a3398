"""Reference of a bundle: its detector, its thresholds and its validation profile."""

from dataclasses import dataclass

from convert.candidate import Measured
from convert.evaluate import network_outputs
from convert.familiarity import FITTING_PICTURES, FittedDetector, fit_detector, fit_residual
from convert.gate import Failure
from convert.profile import choose_threshold, validation_profile
from convert.source import ConversionSource
from convert.targets import ACCEPTANCE, TARGET_ACCURACY
from lambda_api.classifier import softmax
from lambda_api.evaluation import Thresholds
from lambda_api.profile import ConfidenceThreshold, Validation


@dataclass(frozen=True)
class Reliance:
    """Targets of the thresholds, and the size of thumbnails.

    Attributes:
        acceptance: share, 0..1, of new pictures of the known classes that are accepted as known.
        target_accuracy: accuracy, 0..1, of confident predictions on new pictures.
        thumbnail_pixels: side of the thumbnails of validation mistakes in the manifest; 0 leaves
            the mistakes out.
    """

    acceptance: float = ACCEPTANCE
    target_accuracy: float = TARGET_ACCURACY
    thumbnail_pixels: int = 0


@dataclass(frozen=True)
class Reference:
    """Detector, thresholds and profile of a bundle, from the validation pictures of its run."""

    detector: FittedDetector
    confidence_threshold: float
    confidence: ConfidenceThreshold
    validation: Validation

    def failure(self, thresholds: Thresholds) -> Failure | None:
        """The failed check of the detector; None if it passes the gate."""
        if not self.detector.accepts_too_few(thresholds.max_acceptance_drop):
            return None
        return Failure(
            "detector of unknown pictures",
            f"accepts {self.detector.cross_acceptance:.4f} of the validation pictures with a "
            f"threshold from the other half of them; the target is "
            f"{self.detector.section.acceptance} (--known-acceptance)",
        )


def make_reference(source: ConversionSource, measured: Measured, reliance: Reliance) -> Reference:
    """Fit the detector on training pictures, and choose both thresholds on validation pictures.

    Features and logits are those of the converted network, through the serving code.
    """
    _, features = network_outputs(measured.network, source.training_sample(FITTING_PICTURES))
    comparison, pictures = measured.comparison, source.validation
    detector = fit_detector(
        fit_residual(features), comparison.features, reliance.acceptance, source.config.seed
    )
    probabilities = softmax(comparison.logits, source.result.calibration.temperature)
    threshold, confidence = choose_threshold(
        probabilities, pictures.labels, detector.known, reliance.target_accuracy
    )
    profile = validation_profile(pictures, probabilities, detector.known, reliance.thumbnail_pixels)
    return Reference(detector, threshold, confidence, profile)
