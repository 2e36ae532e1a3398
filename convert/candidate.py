"""Candidate: a run converted with one scheme and checked against the gate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from convert.errors import ConversionFailed, GateError
from convert.evaluate import Comparison, side_by_side
from convert.gate import Failure, changed_predictions, compare_metrics, failed_checks
from convert.model_file import CUSTOM, min_runtime, operators, smoke_test
from convert.progress import Progress
from convert.quantize import converted
from convert.schemes import QUANTIZED_ACTIVATIONS
from convert.source import ConversionSource
from lambda_api.classifier import Network
from lambda_api.evaluation import Gate, Thresholds
from lambda_api.manifest import Scheme

OLDEST_RUNTIME = (2, 14)  # last release of tflite-runtime; every bundle has to load in it
MAX_LISTED = 10  # changed predictions in a message


@dataclass(frozen=True)
class Measured:
    """A model file that runs, measured on the validation pictures of its run."""

    network: Network
    comparison: Comparison
    gate: Gate


@dataclass(frozen=True)
class Candidate:
    """Result of converting a run with one scheme.

    Attributes:
        calibration_pictures: number used for the conversion; 0 if the scheme needs none.
        file: model file; empty if the conversion failed.
        measured: None if the file does not run.
        failed: failed checks; empty if the candidate can become a bundle.
        changed: one line for each picture whose predicted class changed.
    """

    scheme: Scheme
    calibration_pictures: int
    file: bytes = b""
    measured: Measured | None = None
    failed: list[Failure] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def rejection(self) -> str:
        """Message of several lines: why the candidate is rejected, and what to try."""
        lines = [f"{self.scheme} was rejected. Nothing was written."]
        if self.measured:
            count = self.measured.gate.pictures
            lines[0] += f" Compared with the Keras model on {count:,} validation pictures:"
        lines += [f"  {check} {reason}" for check, reason in self.failed]
        if self.measured and 1 / count > self.measured.gate.thresholds.max_accuracy_drop:
            lines.append(
                f"With {count} pictures, a single one is {100 / count:.1f} points. "
                "Use more validation pictures."
            )
        if self.changed:
            lines.append(f"{len(self.changed)} predictions changed:")
            lines += [f"  {line}" for line in self.changed[:MAX_LISTED]]
        if len(self.changed) > MAX_LISTED:
            lines.append(f"  … and {len(self.changed) - MAX_LISTED} more")
        other = "float16" if self.scheme != "float16" else "float32"
        lines.append(f"Try another scheme (--scheme {other}, or auto).")
        if self.calibration_pictures:
            lines.append(
                f"Or use more than {self.calibration_pictures} calibration pictures "
                "(--calibration-pictures) or quantization-aware training. --debug FOLDER shows "
                "which layers lose most."
            )
        return "\n".join(lines)


def make_candidates(
    source: ConversionSource,
    saved: Path,
    schemes: Sequence[Scheme],
    calibration_pictures: int,
    thresholds: Thresholds,
    progress: Progress,
) -> list[Candidate]:
    """Convert a run with each scheme, measure it on the validation pictures, and check it.

    Args:
        source: the run and its pictures.
        saved: the run's model, written by `quantize.exported`.
        schemes: schemes to convert with.
        calibration_pictures: maximum number; not used by schemes without calibration.
        thresholds: limits of the gate.
        progress: called with each step.

    Raises:
        ConvertError: there are too few calibration pictures.
    """
    candidates = []
    for scheme in schemes:
        progress(f"converting to {scheme} and comparing with Keras")
        candidates.append(_make_candidate(source, saved, scheme, calibration_pictures, thresholds))
    return candidates


def _make_candidate(
    source: ConversionSource,
    saved: Path,
    scheme: Scheme,
    calibration_pictures: int,
    thresholds: Thresholds,
) -> Candidate:
    wanted = calibration_pictures if scheme in QUANTIZED_ACTIVATIONS else 0
    sample = source.calibration_sample(wanted) if wanted else None
    used = len(sample) if sample else 0
    try:
        file = converted(saved, scheme, source.pixels(sample) if sample else tuple)
    except ConversionFailed as error:
        return Candidate(scheme, used, failed=[Failure("conversion", f"fails: {error}")])
    if failure := _unusable(file):
        return Candidate(scheme, used, file, failed=[failure])
    network = Network(file)
    try:
        comparison = side_by_side(source, network, source.validation)
    except GateError:
        failure = Failure("logits", "contain NaN or infinity")
        return Candidate(scheme, used, file, failed=[failure])
    gate = compare_metrics(
        comparison.keras, comparison.converted, comparison.agreement, thresholds, operators(file)
    )
    return Candidate(
        scheme,
        used,
        file,
        Measured(network, comparison, gate),
        failed_checks(gate, len(file), comparison.keras, comparison.converted),
        changed_predictions(source.validation, comparison, scheme),
    )


def _unusable(file: bytes) -> Failure | None:
    """Reason why a model file cannot be served; None if it can."""
    if custom := [name for name in operators(file) if name.startswith(CUSTOM)]:
        return Failure("operators", f"are not all built into the runtime: {', '.join(custom)}")
    if (needed := min_runtime(file)) > OLDEST_RUNTIME:
        return Failure(
            "runtime", f"has to be TensorFlow Lite {needed[0]}.{needed[1]} or later, not 2.14"
        )
    if reason := smoke_test(file):
        return Failure("model file", f"does not run: {reason}")
    return None
