"""Predictions of the running service in a period."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Observed:
    """Predictions in a period.

    Attributes:
        classes: number of pictures by predicted class.
        confidences: number of pictures in each bin of the reference; empty without bins.
        measured: number of pictures whose confidence is known.
        confidence_sum: sum of their confidences.
        unknown: number of pictures that are not known to the model.
    """

    classes: Counter[str] = field(default_factory=Counter)
    confidences: list[float] = field(default_factory=list)
    measured: float = 0
    confidence_sum: float = 0
    unknown: int = 0

    def add_confidence(self, confidence: float, edges: Sequence[float]) -> None:
        """Count a picture in its bin. Bins exclude their lower bound, as CloudWatch's do."""
        self.measured += 1
        self.confidence_sum += confidence
        if edges:
            self.confidences = self.confidences or [0] * (len(edges) - 1)
            self.confidences[max(0, min(bisect_left(edges, confidence), len(edges) - 1) - 1)] += 1
