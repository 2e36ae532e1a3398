"""Speeds of several rounds."""

from collections.abc import Sequence
from statistics import median


def summary(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Summarize rounds with `pictures_a_second` and `cpu_ms`, processor time for a picture.

    Returns:
        The median `pictures_a_second`, its smallest and largest value as `min` and `max`, and the
        median `cpu_ms`.
    """
    speeds = [each["pictures_a_second"] for each in rounds]
    return {
        "pictures_a_second": median(speeds),
        "min": min(speeds),
        "max": max(speeds),
        "cpu_ms": median(each["cpu_ms"] for each in rounds),
    }
