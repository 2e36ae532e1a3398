"""Runs side by side: what each is worth on validation pictures before and after conversion."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from convert.candidate import Candidate, make_candidate
from convert.errors import ConvertError
from convert.progress import Progress
from convert.quantize import exported
from convert.source import Source, open_source
from convert.table import timed
from lambda_api.evaluation import Thresholds
from lambda_api.manifest import Scheme
from training.run.folder import Run


class Compared(BaseModel):
    """A run, converted to int8.

    Attributes:
        accuracy: of the Keras model on the run's validation pictures, 0..1.
        int8_accuracy: of the converted one on the same.
        agreement: share of those pictures that both give the same label.
        milliseconds: median of one int8 inference on one thread.
        megabytes: of the int8 file.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    architecture: str
    pixels: int
    epochs: int
    accuracy: float
    int8_accuracy: float
    agreement: float
    milliseconds: float
    megabytes: float


def candidates_of(
    source: Source, schemes: tuple[Scheme, ...], calibration_pictures: int, progress: Progress
) -> list[Candidate]:
    """A run by each of `schemes`, held to the gate's own thresholds.

    Raises:
        ConvertError: there are too few pictures to calibrate with.
    """
    candidates = []
    with exported(source.model) as saved:
        for scheme in schemes:
            progress(f"converting to {scheme}, and comparing")
            candidates.append(
                make_candidate(source, saved, scheme, calibration_pictures, Thresholds())
            )
    return candidates


def compare(run: Run, data: Path, calibration_pictures: int, progress: Progress) -> Compared:
    """Convert a finished run to int8, and measure it on its validation pictures.

    Raises:
        ConvertError: run and pictures do not belong together, or int8 cannot run it.
        DataError: pictures that cannot be used.
        RunError: the run is not finished, or its pictures are not in `data`.
    """
    progress(f"opening {run.folder}")
    source = open_source(run, data)
    (candidate,) = candidates_of(source, ("int8",), calibration_pictures, progress)
    if candidate.measured is None:
        raise ConvertError(f"{run.folder}: {candidate.refusal()}")
    return Compared(
        name=run.folder.name,
        architecture=source.config.architecture,
        pixels=source.config.working_size,
        epochs=source.result.epochs,
        accuracy=candidate.measured.keras.accuracy,
        int8_accuracy=candidate.measured.metrics.accuracy,
        agreement=candidate.measured.gate.agreement,
        milliseconds=timed(source, [candidate])["int8"],
        megabytes=len(candidate.file) / 1e6,
    )


def runs_table(compared: list[Compared]) -> str:
    """The runs in Markdown, the most accurate first."""
    header = "| run | architecture | pixels | epochs | validation | int8 | agreement | ms | MB |"
    rows = [
        f"| {c.name} | {c.architecture} | {c.pixels} | {c.epochs} | {c.accuracy:.4f} "
        f"| {c.int8_accuracy:.4f} | {c.agreement:.4f} | {c.milliseconds:.1f} "
        f"| {c.megabytes:.1f} |"
        for c in sorted(compared, key=lambda one: -one.int8_accuracy)
    ]
    return "\n".join([header, "|---" * 9 + "|", *rows])
