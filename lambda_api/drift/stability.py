"""Population stability index (PSI): how far two distributions over the same categories differ.

- Formula and the limits 0.1 and 0.25: N. Siddiqi, Credit Risk Scorecards, Wiley 2006.
- Distribution without a change, which depends on the numbers of observations: B. Yurdakul and
  J. Naranjo, Statistical properties of the population stability index, Journal of Risk Model
  Validation 14 (2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import NormalDist
from typing import Literal

MODERATE, LARGE = 0.1, 0.25
CONFIDENCE = 0.99  # of the limit of chance: one comparison in a hundred exceeds it by chance
_PRIOR = 0.5  # added to every category, as the logarithm of zero is infinite (Jeffreys' prior)

Change = Literal["none", "small", "moderate", "large"]


@dataclass(frozen=True)
class Stability:
    """A comparison of two distributions.

    Attributes:
        index: population stability index, 0 or more.
        chance: index that chance alone exceeds in one comparison of a hundred.
    """

    index: float
    chance: float

    @property
    def change(self) -> Change:
        """Size of the change; "none" if chance explains it."""
        if self.index <= self.chance:
            return "none"
        if self.index < MODERATE:
            return "small"
        return "moderate" if self.index < LARGE else "large"


def compare(actual: Sequence[float], expected: Sequence[float]) -> Stability:
    """Compare two distributions.

    Args:
        actual: numbers of observations by category, at least one in all.
        expected: the reference, for the same two or more categories, at least one in all.
    """
    pairs = list(zip(_shares(actual), _shares(expected), strict=True))
    return Stability(
        index=sum((a - e) * log(a / e) for a, e in pairs),
        chance=(1 / sum(actual) + 1 / sum(expected)) * _chi_square(len(pairs) - 1),
    )


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts) + _PRIOR * len(counts)
    return [(count + _PRIOR) / total for count in counts]


def _chi_square(freedom: int) -> float:
    """Quantile `CONFIDENCE` of the chi-square distribution.

    Approximation of Wilson and Hilferty, The distribution of chi-square, PNAS 17 (1931), within
    1 %.
    """
    z, scale = NormalDist().inv_cdf(CONFIDENCE), 2 / (9 * freedom)
    return float(freedom * (1 - scale + z * scale**0.5) ** 3)
