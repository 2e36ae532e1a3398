"""Comparison of runs, and of the schemes of one run, on validation pictures."""

import statistics
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.stats import binomtest
from sklearn.metrics import log_loss

from convert.candidate import Candidate, make_candidates
from convert.errors import ConvertError
from convert.progress import Progress
from convert.quantize import exported
from convert.source import ConversionSource, open_source
from lambda_api.classifier import Network
from lambda_api.evaluation import Metrics, Thresholds
from lambda_api.manifest import Scheme
from training.calibration import Floats, Labels, calibrated
from training.data import read_picture
from training.run.folder import Run

ROUNDS, INFERENCES = 8, 25
ROUND_S = 1.0  # limit of a round; a slow network gets fewer inferences
_HEADER = "| scheme | MB | ms | accuracy | lowest recall | calibration error | agreement | gate |"


class RunFigures(BaseModel):
    """Figures of a run converted to int8, on the run's validation pictures.

    Attributes:
        accuracy: accuracy of the Keras model, 0..1.
        log_loss: of the Keras model at the temperature of the run, in nats.
        int8_accuracy: accuracy of the converted model, 0..1.
        int8_log_loss: of the converted model at the same temperature, in nats.
        calibration_error: of the converted model, 0..1.
        agreement: share, 0..1, of pictures for which both predict the same class.
        milliseconds: median of one int8 inference on one thread.
        megabytes: size of the int8 model file.
        right: for each validation picture, by name, whether the int8 model is right.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    architecture: str
    pixels: int
    epochs: int
    accuracy: float
    log_loss: float
    int8_accuracy: float
    int8_log_loss: float
    calibration_error: float
    agreement: float
    milliseconds: float
    megabytes: float
    right: dict[str, bool]


def run_figures(run: Run, data: Path, calibration_pictures: int, progress: Progress) -> RunFigures:
    """Convert a finished run to int8 and measure it on its validation pictures.

    Raises:
        ConvertError: run and pictures do not belong together, or the int8 model does not run.
        DataError: some pictures cannot be read.
        RunError: the run is not finished, or its pictures are not in `data`.
    """
    progress(f"opening {run.folder}")
    source = open_source(run, data)
    (candidate,) = convert(source, ("int8",), calibration_pictures, progress)
    if candidate.measured is None:
        raise ConvertError(f"{run.folder}: {candidate.rejection()}")
    comparison = candidate.measured.comparison
    labels, temperature = source.validation.labels, source.result.calibration.temperature
    right = comparison.logits.argmax(axis=1) == labels
    return RunFigures(
        name=run.folder.name,
        architecture=source.config.architecture,
        pixels=source.config.working_size,
        epochs=source.result.epochs,
        accuracy=comparison.keras.accuracy,
        log_loss=_log_loss(comparison.keras_logits, temperature, labels),
        int8_accuracy=comparison.converted.accuracy,
        int8_log_loss=_log_loss(comparison.logits, temperature, labels),
        calibration_error=comparison.converted.calibration_error,
        agreement=comparison.agreement,
        milliseconds=latencies_ms(source, [candidate])["int8"],
        megabytes=len(candidate.file) / 1e6,
        right={
            path.as_posix(): bool(one)
            for path, one in zip(source.validation.paths, right, strict=True)
        },
    )


def _log_loss(logits: Floats, temperature: float, labels: Labels) -> float:
    """Mean log loss in nats of calibrated logits (pictures, classes)."""
    return float(log_loss(labels, calibrated(logits, temperature), labels=range(logits.shape[1])))


def convert(
    source: ConversionSource,
    schemes: tuple[Scheme, ...],
    calibration_pictures: int,
    progress: Progress,
) -> list[Candidate]:
    """Convert a run with each scheme and check it with the default limits of the gate.

    Raises:
        ConvertError: there are too few calibration pictures.
    """
    with exported(source.model) as saved:
        return make_candidates(source, saved, schemes, calibration_pictures, Thresholds(), progress)


def latencies_ms(source: ConversionSource, candidates: Sequence[Candidate]) -> dict[str, float]:
    """Median milliseconds of one inference on one thread, by scheme.

    Candidates that do not run are left out.
    """
    running = {c.scheme: c.measured.network for c in candidates if c.measured}
    first = source.validation.root / source.validation.paths[0]
    pixels = read_picture(first, source.config.image_size)
    return dict(zip(running, _time(list(running.values()), pixels), strict=True))


def _time(networks: Sequence[Network], pixels: npt.NDArray[np.uint8]) -> list[float]:
    """Median milliseconds of one inference of each network.

    The networks take turns, so other load on the machine affects all of them alike.
    """
    seconds: list[list[float]] = [[] for _ in networks]
    for _ in range(ROUNDS):
        for network, its_seconds in zip(networks, seconds, strict=True):
            network.logits(pixels)  # warm-up: brings the weights back into the cache
            end = time.perf_counter() + ROUND_S
            for _ in range(INFERENCES):
                begin = time.perf_counter()
                network.logits(pixels)
                its_seconds.append(time.perf_counter() - begin)
                if time.perf_counter() > end:
                    break
    return [statistics.median(its_seconds) * 1000 for its_seconds in seconds]


def runs_table(runs: Sequence[RunFigures]) -> str:
    """Markdown table of runs, the most accurate int8 model first."""
    header = (
        "| run | architecture | pixels | epochs | validation | log loss | int8 | int8 log loss "
        "| calibration error | agreement | ms | MB |"
    )
    rows = [
        f"| {run.name} | {run.architecture} | {run.pixels} | {run.epochs} | {run.accuracy:.4f} "
        f"| {run.log_loss:.4f} | {run.int8_accuracy:.4f} | {run.int8_log_loss:.4f} "
        f"| {run.calibration_error:.4f} | {run.agreement:.4f} | {run.milliseconds:.1f} "
        f"| {run.megabytes:.1f} |"
        for run in sorted(runs, key=lambda run: -run.int8_accuracy)
    ]
    return "\n".join([header, "|---" * 12 + "|", *rows])


def paired_table(runs: Sequence[RunFigures]) -> str:
    """Markdown table of each pair of runs with the same validation pictures, as int8 models.

    It has the pictures that only one of the two classifies correctly, and the p-value of McNemar's
    exact test: the probability of counts at least as unequal if both were equally good (McNemar
    1947). Empty if no two runs have the same validation pictures.
    """
    rows = []
    for one, other in combinations(runs, 2):
        if one.right.keys() == other.right.keys():
            only_one = sum(right and not other.right[name] for name, right in one.right.items())
            only_other = sum(right and not one.right[name] for name, right in other.right.items())
            differing = only_one + only_other
            p = binomtest(only_one, differing).pvalue if differing else 1.0
            rows.append(f"| {one.name} | {other.name} | {only_one} | {only_other} | {p:.3f} |")
    header = "| run | other run | only the run is right | only the other | p |"
    return "\n".join([header, "|---" * 5 + "|", *rows]) if rows else ""


def candidates_table(candidates: Sequence[Candidate], milliseconds: dict[str, float]) -> str:
    """Markdown table of the candidates of one run, with the Keras model in the first row.

    Args:
        candidates: one for each scheme.
        milliseconds: result of `latencies_ms`.
    """
    keras = next((_figures(c.measured.comparison.keras) for c in candidates if c.measured), None)
    lines = [_HEADER, "|---" * 8 + "|"]
    if keras:
        lines.append(f"| Keras | | | {keras} | | |")
    for candidate in candidates:
        failed = ", ".join(failure.check for failure in candidate.failed)
        verdict = f"rejected: {failed}" if failed else "passes"
        size = f"{len(candidate.file) / 1e6:.1f}" if candidate.file else ""
        if candidate.measured:
            comparison = candidate.measured.comparison
            speed, figures = f"{milliseconds[candidate.scheme]:.1f}", _figures(comparison.converted)
            agreement = f"{comparison.agreement:.4f}"
        else:
            speed, figures, agreement = "", "| |", ""
        lines.append(
            f"| {candidate.scheme} | {size} | {speed} | {figures} | {agreement} | {verdict} |"
        )
    return "\n".join(lines)


def _figures(metrics: Metrics) -> str:
    """Three cells of a table: accuracy, lowest recall, calibration error."""
    lowest = min(figures.recall for figures in metrics.per_class.values())
    return f"{metrics.accuracy:.4f} | {lowest:.4f} | {metrics.calibration_error:.4f}"
