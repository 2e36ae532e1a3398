"""Drift in words."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from lambda_api.drift.observed import Observed
from lambda_api.drift.reference import Reference
from lambda_api.drift.stability import Stability, compare

_WORDS = {
    "none": "no change beyond chance",
    "small": "small change",
    "moderate": "moderate change",
    "large": "large change",
}
_NO_DETECTOR = "The model does not recognize unknown pictures."
_NO_REFERENCE = (
    "The bundle has no reference for it: its manifest has an older schema. Convert the run again "
    "with `python -m convert bundle`."
)


def comparisons(observed: Observed, reference: Reference) -> dict[str, Stability]:
    """Compare what both have: "classes", "confidence" and "unknown"."""
    found: dict[str, Stability] = {}
    classes = [observed.classes[label] for label in reference.classes]
    if sum(classes):
        found["classes"] = compare(classes, list(reference.classes.values()))
    if observed.measured and reference.confidences:
        found["confidence"] = compare(observed.confidences, reference.confidences)
    if observed.measured and reference.unknown is not None:
        found["unknown"] = compare(
            _parts(observed.unknown, observed.measured),
            _parts(reference.unknown, sum(reference.classes.values())),
        )
    return found


def as_json(observed: Observed, reference: Reference) -> dict[str, Any]:
    """Return the report as a JSON object."""
    return {
        "observed": vars(observed),
        "reference": vars(reference),
        "comparisons": {
            name: {**asdict(found), "change": found.change}
            for name, found in comparisons(observed, reference).items()
        },
    }


def in_words(observed: Observed, reference: Reference) -> Iterator[str]:
    """Yield the lines of the report."""
    found = comparisons(observed, reference)
    total, expected = observed.classes.total(), sum(reference.classes.values())
    yield f"{total:,} predictions, compared with {expected:,} {reference.part} pictures of "
    yield f"{reference.model}."
    if others := sorted(observed.classes.keys() - reference.classes.keys()):
        yield (
            f"Other labels: {', '.join(others)}. Another model served in this period. Choose "
            "--since after the last promotion, or another --model."
        )
    if classes := found.get("classes"):
        yield f"\nClasses: {_verdict(classes)}"
        known = sum(observed.classes[label] for label in reference.classes)
        for label, count in reference.classes.items():
            yield f"  {label:20} {observed.classes[label] / known:6.1%}  ({count / expected:.1%})"
    if observed.measured:
        mean = observed.confidence_sum / observed.measured
        confidence = found.get("confidence")
        yield f"\nConfidence: {_verdict(confidence) if confidence else _NO_REFERENCE}"
        yield f"  mean {mean:.3f}"
        for i, (lower, upper) in enumerate(zip(reference.edges, reference.edges[1:], strict=False)):
            share = observed.confidences[i] / observed.measured
            usual = reference.confidences[i] / sum(reference.confidences)
            yield f"  {f'{lower:.2f} to {upper:.2f}':20} {share:6.1%}  ({usual:.1%})"
        unknown = found.get("unknown")
        missing = _NO_DETECTOR if reference.confidences else _NO_REFERENCE
        yield f"\nUnknown pictures: {_verdict(unknown) if unknown else missing}"
        if unknown and reference.unknown is not None:
            share, usual = observed.unknown / observed.measured, reference.unknown / expected
            yield f"  {'':20} {share:6.1%}  ({usual:.1%})"


def _verdict(stability: Stability) -> str:
    return (
        f"{_WORDS[stability.change]} (PSI {stability.index:.3f}, by chance up to "
        f"{stability.chance:.3f})"
    )


def _parts(part: float, total: float) -> list[float]:
    return [part, total - part]
