"""Thresholds from few validation pictures: how often they keep their promise."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from convert.limits import (
    CONFIDENCE_LEVEL,
    Flags,
    acceptance_threshold,
    confidence_threshold,
)
from training.calibration import Floats, Labels, calibrated, coverage_curve, fit_temperature


class Kept(NamedTuple):
    """Results of one method over all draws of one size. Shares are 0..1.

    Attributes:
        pictures: size of the draws.
        method: "limit", as in bundles, or "exact", which fits the draw exactly.
        accepted: mean share of all pictures that are accepted.
        acceptance_kept: share of the draws whose threshold accepts at least the target.
        confident: mean share of all pictures that are confident.
        accuracy: mean accuracy of the confident predictions.
        accuracy_kept: share of the draws whose threshold reaches the target accuracy.
    """

    pictures: int
    method: str
    accepted: float
    acceptance_kept: float
    confident: float
    accuracy: float
    accuracy_kept: float


Choice = Callable[[Floats, Floats, Flags], tuple[float, float]]


def measure(
    scores: Floats,
    logits: Floats,
    labels: Labels,
    acceptance: float,
    target_accuracy: float,
    *,
    sizes: Sequence[int],
    draws: int,
    seed: int = 0,
) -> list[Kept]:
    """Choose temperature and thresholds on random draws, and measure them on all pictures.

    The draws are made with replacement, so each is a sample of a population that is known: all
    pictures.

    Args:
        scores: (pictures,), of the detector of unknown pictures.
        logits: (pictures, classes).
        labels: (pictures,), indices of the true classes.
        acceptance: target, the share of accepted pictures.
        target_accuracy: target, the accuracy of confident predictions.
        sizes: numbers of pictures in a draw.
        draws: number of draws of each size.
        seed: of the draws.
    """

    def limit(chosen: Floats, confidences: Floats, correct: Flags) -> tuple[float, float]:
        accepting = acceptance_threshold(chosen, acceptance).threshold
        masked = np.where(chosen <= accepting, confidences, -1)
        return accepting, confidence_threshold(masked, correct, target_accuracy).threshold

    def exact(chosen: Floats, confidences: Floats, correct: Flags) -> tuple[float, float]:
        accepting = float(np.quantile(chosen, acceptance))
        known = chosen <= accepting
        two = np.stack([confidences, 1 - confidences], axis=1)[known]
        thresholds, _, accuracies = coverage_curve(two, np.where(correct[known], 0, 1))
        reached = thresholds[accuracies >= target_accuracy]
        return accepting, float(reached.min()) if len(reached) else 1.0

    methods: dict[str, Choice] = {"exact": exact, "limit": limit}
    random = np.random.default_rng(seed)
    correct = logits.argmax(axis=1) == labels
    table = []
    for size in sizes:
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in methods}
        for _ in range(draws):
            drawn = random.integers(len(scores), size=size)
            temperature = fit_temperature(logits[drawn], labels[drawn])
            confidences = calibrated(logits, temperature).max(axis=1)
            for name, choose in methods.items():
                accepting, threshold = choose(scores[drawn], confidences[drawn], correct[drawn])
                known = scores <= accepting
                confident = known & (confidences >= threshold)
                accuracy = correct[confident].mean() if confident.any() else 1.0
                found[name].append((known.mean(), confident.mean(), accuracy))
        for name, results in found.items():
            accepted, confident_shares, accuracies = np.array(results).T
            table.append(
                Kept(
                    size,
                    name,
                    accepted.mean(),
                    (accepted >= acceptance).mean(),
                    confident_shares.mean(),
                    accuracies.mean(),
                    (accuracies >= target_accuracy).mean(),
                )
            )
    return table


def markdown(table: list[Kept], acceptance: float, target_accuracy: float) -> str:
    """Markdown table of the results."""
    header = (
        f"| pictures | method | accepted | draws with at least {acceptance:.1%} | confident "
        f"| of these correct | draws with at least {target_accuracy:.1%} |"
    )
    rows = [
        f"| {row.pictures:,} | {row.method} | {row.accepted:.1%} | {row.acceptance_kept:.0%} "
        f"| {row.confident:.1%} | {row.accuracy:.1%} | {row.accuracy_kept:.0%} |"
        for row in table
    ]
    note = (
        f"\nThe method `limit` is meant to reach its targets in {CONFIDENCE_LEVEL:.0%} of draws; "
        "with few pictures, on average."
    )
    return "\n".join([header, "|---" * 7 + "|", *rows, note])
