"""Detector of unknown pictures: its parameters and its threshold."""

import hashlib
from dataclasses import dataclass

import numpy as np

from convert.limits import CONFIDENCE_LEVEL, DIGITS, Flags, acceptance_threshold, upper_limit
from lambda_api.known import Features, Residual, write_parameters
from lambda_api.profile import Known
from training.calibration import Floats
from training.metrics import rounded

DIRECTIONS = 64
FITTING_PICTURES = 4000  # more do not change the score
QUANTILES = 201  # steps of half a percent


def fit_residual(features: Features, directions: int = DIRECTIONS) -> Residual:
    """Fit mean and principal directions.

    Args:
        features: float32 (pictures, features), pooled features of training pictures.
        directions: largest number of directions; at most a quarter of the features and a quarter
            of the pictures, because something has to be left outside.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features.astype(np.float64) / np.maximum(lengths, 1e-12)
    mean = unit.mean(axis=0)
    count = max(1, min(directions, len(unit) // 4, unit.shape[1] // 4))
    # Eigenvectors of the covariance, by ascending variance.
    _, vectors = np.linalg.eigh(np.cov(unit - mean, rowvar=False))
    return Residual(
        mean.astype(np.float32), np.ascontiguousarray(vectors[:, ::-1][:, :count].T, np.float32)
    )


@dataclass(frozen=True)
class FittedDetector:
    """A detector with its parameters' file and its figures on the validation pictures.

    Attributes:
        section: section of the manifest.
        parameters: content of the parameters' file.
        residual: the score.
        known: bool (pictures,), whether each validation picture is accepted.
        cross_accepted: number of validation pictures that are accepted by a threshold from the
            other half of them.
    """

    section: Known
    parameters: bytes
    residual: Residual
    known: Flags
    cross_accepted: int

    @property
    def cross_acceptance(self) -> float:
        return rounded(self.cross_accepted / len(self.known))

    def accepts_too_few(self, max_drop: float) -> bool:
        """Whether the share of accepted pictures misses its target by more than chance.

        The target is limited to what half of the validation pictures can guarantee.
        """
        half = np.zeros(len(self.known) // 2 or 1)
        reachable = acceptance_threshold(half, self.section.acceptance).guaranteed
        minimum = min(self.section.acceptance, reachable) - max_drop
        return upper_limit(self.cross_accepted, len(self.known)) < minimum

    def accepts(self, features: Features) -> Flags:
        """Whether each picture is known, bool (pictures,), for features (pictures, features)."""
        return self.residual.scores(features) <= self.section.threshold


def fit_detector(
    residual: Residual, validation: Features, acceptance: float, seed: int
) -> FittedDetector:
    """Choose the threshold of a score on validation pictures.

    Args:
        residual: score, fitted on training pictures.
        validation: float32 (pictures, features), pooled features of the validation pictures.
        acceptance: target, the share of new pictures of the known classes that are accepted.
        seed: of the halves.
    """
    scores = residual.scores(validation)
    limited = acceptance_threshold(scores, acceptance)
    parameters = write_parameters(residual)
    quantiles = np.quantile(scores, np.linspace(0, 1, QUANTILES)).round(DIGITS)
    section = Known(
        sha256=hashlib.sha256(parameters).hexdigest(),
        bytes=len(parameters),
        score="residual",
        features=validation.shape[1],
        threshold=limited.threshold,
        acceptance=acceptance,
        guaranteed_acceptance=rounded(limited.guaranteed),
        confidence_level=CONFIDENCE_LEVEL,
        pictures=len(scores),
        quantiles=tuple(quantiles.tolist()),
    )
    return FittedDetector(
        section,
        parameters,
        residual,
        scores <= limited.threshold,
        _cross_accepted(scores, acceptance, seed),
    )


def _cross_accepted(scores: Floats, acceptance: float, seed: int) -> int:
    order = np.random.default_rng(seed).permutation(len(scores))
    one, other = scores[order[::2]], scores[order[1::2]]
    return sum(
        int((measured <= acceptance_threshold(chosen, acceptance).threshold).sum())
        for chosen, measured in ((one, other), (other, one))
    )
