"""Detector of pictures that are unlike the training pictures.

The score is the norm of the part of the pooled features that lies outside the principal directions
of the training pictures: the residual of ViM (Wang et al. 2022, arXiv:2203.10807), with features of
length 1 as in deep nearest neighbors (Sun et al. 2022, arXiv:2204.06507). The parameters are a
NumPy archive with the arrays `mean` and `directions` of `Residual`.
"""

import math
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from lambda_api.manifest import BundleError
from lambda_api.profile import Known

Features = npt.NDArray[np.float32]


class Familiarity(NamedTuple):
    """Result for one picture.

    Attributes:
        known: whether the score is at most the threshold.
        familiarity: share of the validation pictures that are less familiar, 0..1.
    """

    known: bool
    familiarity: float


class Residual:
    """Distance of features from the subspace of the training pictures.

    Args:
        mean: float32 (features,), mean of the training pictures' features of length 1.
        directions: float32 (directions, features), orthonormal rows: the principal directions of
            the same features.
    """

    def __init__(self, mean: Features, directions: Features) -> None:
        self.mean, self.directions = mean, directions

    def scores(self, features: Features) -> npt.NDArray[np.float64]:
        """Score of each picture, for features (pictures, features)."""
        return np.array([self.score(one) for one in features])

    def score(self, features: Features) -> float:
        """Score of one picture, 0 or more, for features (features,); 0 is familiar."""
        centered = features / max(math.sqrt(features @ features), 1e-12) - self.mean
        inside = self.directions @ centered
        return math.sqrt(max(float(centered @ centered) - float(inside @ inside), 0.0))


class KnownDetector:
    """The detector of a bundle. Safe to share between threads."""

    def __init__(self, section: Known, residual: Residual) -> None:
        self._section, self._residual = section, residual
        self._quantiles = np.array(section.quantiles)
        self._shares = np.linspace(1, 0, len(section.quantiles))

    def judge(self, features: Features) -> Familiarity:
        """Compare the features (features,) of a picture with those of the validation pictures."""
        score = self._residual.score(features)
        familiarity = float(np.interp(score, self._quantiles, self._shares))
        return Familiarity(score <= self._section.threshold, familiarity)


def write_parameters(residual: Residual) -> bytes:
    """Return the content of the parameters' file."""
    buffer = BytesIO()
    np.savez(buffer, mean=residual.mean, directions=residual.directions)
    return buffer.getvalue()


def read_residual(bundle: Path, section: Known) -> Residual:
    """Read the score of a bundle that `read_bundle` has checked.

    Raises:
        BundleError: the parameters are not those of a detector.
    """
    try:
        with np.load(bundle / section.file, allow_pickle=False) as arrays:
            mean, directions = arrays["mean"], arrays["directions"]
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise BundleError(f"{section.file} is not a detector's parameters ({error}).") from error
    count = section.features
    shapes = mean.shape == (count,) and directions.ndim == 2 and directions.shape[1] == count
    if not shapes or {mean.dtype.name, directions.dtype.name} != {"float32"}:
        raise BundleError(
            f"{section.file} has arrays {mean.dtype} {mean.shape} and {directions.dtype} "
            f"{directions.shape}. Expected float32 ({count},) and (directions, {count})."
        )
    return Residual(mean, directions)
