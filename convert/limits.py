"""Thresholds that hold for new pictures, also with few validation pictures.

A threshold that fits the validation pictures exactly promises too much: some of what it fits is
chance. The limits here allow for chance. They hold with the probability `CONFIDENCE_LEVEL` over the
choice of the validation pictures, if these are like the new pictures.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from training.calibration import Floats

CONFIDENCE_LEVEL = 0.9
DIGITS = 6  # of a threshold for scores
MIN_ABOVE = 5  # validation pictures that a tolerance limit leaves out

Flags = npt.NDArray[np.bool_]


class Limited(NamedTuple):
    """A threshold, and the lower limit of the share, 0..1, that it is chosen for."""

    threshold: float
    guaranteed: float


def lower_limit(successes: int, trials: int) -> float:
    """Lower limit of a probability (Clopper and Pearson 1934, one-sided)."""
    if not successes:
        return 0.0
    return float(beta.ppf(1 - CONFIDENCE_LEVEL, successes, trials - successes + 1))


def upper_limit(successes: int, trials: int) -> float:
    """Upper limit of a probability (Clopper and Pearson 1934, one-sided)."""
    return 1 - lower_limit(trials - successes, trials)


def acceptance_threshold(scores: Floats, acceptance: float) -> Limited:
    """Find the smallest threshold that accepts the share `acceptance` of new pictures.

    The share of new pictures with at most the k-th smallest of n scores has the distribution
    Beta(k, n - k + 1), whatever the distribution of the scores.

    1. k is chosen so that the target is reached with the probability `CONFIDENCE_LEVEL` (tolerance
       limit, Wilks 1941).
    2. With few pictures, that is one of the largest scores: a single odd picture would decide, and
       almost everything would be accepted. So if fewer than `MIN_ABOVE` scores are larger, the
       target is reached on average: k = (n + 1) * acceptance, rounded up (split conformal
       prediction, Papadopoulos et al. 2002). The largest score is the limit of k.

    Args:
        scores: float (pictures,), of validation pictures; small if accepted.
        acceptance: target share, 0..1.

    Returns:
        The threshold, rounded up to six decimals, and the lower limit of the share of new
        pictures that are accepted.
    """
    count = len(scores)
    ranks = np.arange(1, count + 1)
    shares = beta.ppf(1 - CONFIDENCE_LEVEL, ranks, count - ranks + 1)
    rank = int(np.searchsorted(shares, acceptance))
    if count - 1 - rank < MIN_ABOVE:
        rank = min(math.ceil(round((count + 1) * acceptance, 9)), count) - 1
    threshold = math.ceil(float(np.sort(scores)[rank]) * 10**DIGITS) / 10**DIGITS
    return Limited(threshold, float(shares[rank]))


def confidence_threshold(confidences: Floats, correct: Flags, target_accuracy: float) -> Limited:
    """Find the lowest threshold whose confident predictions reach `target_accuracy`.

    1. Fixed sequence testing of Learn then Test (Angelopoulos et al. 2021, arXiv:2110.01052). The
       most confident half of the pictures is tested first, then one more picture each time, with
       exact binomial limits, until one test fails. So the limit holds for the threshold that is
       chosen, although many were tested.
    2. If the first test fails, because of too few pictures: conformal risk control (Angelopoulos et
       al. 2022, arXiv:2208.02814) of the share of errors among confident predictions. The target
       is reached on average over the choice of the validation pictures.
    3. If there are too few pictures for that, a prediction is confident if its calibrated
       confidence is at least `target_accuracy`.

    Args:
        confidences: float (pictures,), calibrated confidence of the label, 0..1; below 0 for
            pictures that are not confident at any threshold.
        correct: bool (pictures,), whether the label is correct.
        target_accuracy: 0..1.

    Returns:
        The threshold, 0..1, rounded down to six decimals, and the lower limit of the accuracy.
    """
    ordered = np.argsort(-confidences, kind="stable")
    falling = confidences[ordered]
    possible = int((falling >= 0).sum())
    errors = np.cumsum(~correct[ordered])

    def limit(count: int) -> float:
        return lower_limit(count - int(errors[count - 1]), count) if count else 0.0

    def controlled(count: int) -> bool:
        return bool(errors[count - 1] + 1 <= (1 - target_accuracy) * (count + 1))

    def lowest(first: int, passes: Callable[[int], bool]) -> int:
        """Largest number of pictures, from `first` on, before a test fails; 0 if none passes."""
        passed = 0
        for count in range(first, possible + 1):
            if count < possible and falling[count] == falling[count - 1]:
                continue  # of equal confidence: no threshold separates them
            if not passes(count):
                break
            passed = count
        return passed

    share = max(1 - target_accuracy, 1e-9)
    # Numbers of pictures with which the tests can pass at all: without errors.
    tested = math.ceil(math.log(1 - CONFIDENCE_LEVEL) / math.log(1 - share))
    count = lowest(max(possible // 2, tested), lambda n: limit(n) >= target_accuracy)
    count = count or lowest(math.ceil(1 / share) - 1, controlled)
    if not count:
        count = int((falling >= target_accuracy).sum())
        return Limited(target_accuracy, limit(count))
    return Limited(math.floor(float(falling[count - 1]) * 10**DIGITS) / 10**DIGITS, limit(count))
