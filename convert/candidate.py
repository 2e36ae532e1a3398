"""A run converted by one scheme and measured against its Keras model."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convert.errors import ConversionError
from convert.evaluate import agreement, measure, network_logits
from convert.gate import Failure, changed_answers, compared, failures
from convert.model_file import CUSTOM, fault, min_runtime, operators
from convert.quantize import converted
from convert.schemes import QUANTISED_ACTIVATIONS
from convert.source import Source
from lambda_api.classifier import Network, softmax
from lambda_api.evaluation import Gate, Metrics, Thresholds
from lambda_api.manifest import Scheme
from training.calibration import Floats

OLDEST_RUNTIME = (2, 14)  # the last tflite-runtime, which a bundle stays loadable by
SHOWN = 10  # pictures whose answer changed


@dataclass(frozen=True)
class Measured:
    """A model file that runs, on the validation pictures of its run.

    Attributes:
        logits: (n, classes).
        keras: of the Keras model, on the same pictures.
    """

    network: Network
    logits: Floats
    keras: Metrics
    metrics: Metrics
    gate: Gate


@dataclass(frozen=True)
class Candidate:
    """What came of one scheme.

    Attributes:
        calibration_pictures: that it was converted with; 0 where the scheme needs none.
        file: empty where it could not be converted.
        measured: None where the file does not run.
        failed: why it cannot become a bundle; empty where it can.
        changed: the pictures whose answer changed, a line each.
    """

    scheme: Scheme
    calibration_pictures: int
    file: bytes = b""
    measured: Measured | None = None
    failed: list[Failure] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def refusal(self) -> str:
        """Why it is refused and what to try, for people; lines."""
        lines = [f"{self.scheme} is refused; nothing was written."]
        if self.measured:
            count = self.measured.gate.pictures
            lines[0] += f" On {count:,} validation pictures, compared with the Keras model:"
        lines += [f"  {check} {reason}" for check, reason in self.failed]
        if self.measured and 1 / count > self.measured.gate.thresholds.max_accuracy_drop:
            lines.append(f"One picture is {100 / count:.1f} points here: more pictures tell more.")
        if self.changed:
            lines.append(f"{len(self.changed)} answers changed:")
            lines += [f"  {line}" for line in self.changed[:SHOWN]]
        if len(self.changed) > SHOWN:
            lines.append(f"  … and {len(self.changed) - SHOWN} more")
        other = "float16" if self.scheme != "float16" else "float32"
        lines.append(f"Try another scheme (--scheme {other}, or auto).")
        if self.calibration_pictures:
            lines.append(
                f"Or more calibration pictures than {self.calibration_pictures} "
                "(--calibration-pictures), or quantisation-aware fine-tuning; --debug FOLDER shows "
                "which layers lose most."
            )
        return "\n".join(lines)


def make_candidate(
    source: Source, saved: Path, scheme: Scheme, calibration_pictures: int, thresholds: Thresholds
) -> Candidate:
    """Convert, run, measure on the validation pictures, and judge.

    Args:
        source: the run and its pictures.
        saved: its model, as of `quantize.exported`.
        scheme: to convert to.
        calibration_pictures: how many at most; not asked for by a scheme that needs none.
        thresholds: of the gate.

    Raises:
        ConvertError: there are too few calibration pictures.
    """
    drawn = calibration_pictures if scheme in QUANTISED_ACTIVATIONS else 0
    calibration = source.calibration_sample(drawn) if drawn else None
    used = len(calibration) if calibration else 0
    shown = source.pixels(calibration) if calibration else tuple
    try:
        file = converted(saved, scheme, shown)
    except ConversionError as error:
        return Candidate(scheme, used, failed=[Failure("conversion", f"fails: {error}")])
    found = operators(file)
    if custom := [name for name in found if name.startswith(CUSTOM)]:
        failure = Failure("operators", f"are not all built into the runtime: {', '.join(custom)}")
        return Candidate(scheme, used, file, failed=[failure])
    if (needed := min_runtime(file)) > OLDEST_RUNTIME:
        failure = Failure(
            "runtime", f"has to be TensorFlow Lite {needed[0]}.{needed[1]} or later, and not 2.14"
        )
        return Candidate(scheme, used, file, failed=[failure])
    if reason := fault(file):
        failure = Failure("the file", f"does not run: {reason}")
        return Candidate(scheme, used, file, failed=[failure])
    network = Network(file)
    pictures, classes = source.validation, source.split.classes
    floats, logits = source.validation_logits, network_logits(network, pictures)
    if not np.isfinite(logits).all():
        failure = Failure("logits", "are not all finite")
        return Candidate(scheme, used, file, failed=[failure])
    temperature = source.result.calibration.temperature
    keras = measure(softmax(floats, temperature), pictures.labels, classes)
    metrics = measure(softmax(logits, temperature), pictures.labels, classes)
    gate = compared(keras, metrics, agreement(floats, logits), thresholds, found)
    return Candidate(
        scheme,
        used,
        file,
        Measured(network, logits, keras, metrics, gate),
        failures(gate, len(file), keras, metrics),
        changed_answers(pictures, floats, logits, scheme),
    )
