"""Runs side by side: what each is worth on validation pictures before and after conversion."""

import statistics
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from convert.bundle import calibration_sample, load
from convert.evaluate import agreement, keras_logits, network_logits
from convert.quantize import quantize_int8
from lambda_api.classifier import Network
from training.data import LabelledPictures, open_dataset, read_picture
from training.network import logits_model
from training.run import Run, resolve

TIMED = 200  # inferences


class Candidate(BaseModel):
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


def compare(run: Run, data: Path, calibration_pictures: int) -> Candidate:
    """Convert a finished run, and measure it on its validation pictures.

    Raises:
        ConvertError: the run's model cannot be read.
        DataError: pictures that cannot be used.
        RunError: the run is not finished, or its pictures are not in `data`.
    """
    config, split, result = run.config(), run.split(), run.result()
    pictures, _ = open_dataset(data)
    fitting, validation = resolve(pictures, split.train), resolve(pictures, split.validation)
    model = logits_model(load(run.model_path))
    sample = calibration_sample(fitting, calibration_pictures, config.seed)
    size = config.image_size
    file = quantize_int8(model, (read_picture(sample.root / path, size) for path in sample.paths))
    network = Network(file)
    floats, integers = keras_logits(model, validation, size), network_logits(network, validation)
    return Candidate(
        name=run.folder.name,
        architecture=config.architecture,
        pixels=config.working_size,
        epochs=result.epochs,
        accuracy=float((floats.argmax(axis=1) == validation.labels).mean()),
        int8_accuracy=float((integers.argmax(axis=1) == validation.labels).mean()),
        agreement=agreement(floats, integers),
        milliseconds=_milliseconds(network, validation, size),
        megabytes=len(file) / 1e6,
    )


def table(candidates: list[Candidate]) -> str:
    """The candidates in Markdown, the most accurate first."""
    header = "| run | architecture | pixels | epochs | validation | int8 | agreement | ms | MB |"
    rows = [
        f"| {c.name} | {c.architecture} | {c.pixels} | {c.epochs} | {c.accuracy:.4f} "
        f"| {c.int8_accuracy:.4f} | {c.agreement:.4f} | {c.milliseconds:.1f} "
        f"| {c.megabytes:.1f} |"
        for c in sorted(candidates, key=lambda candidate: -candidate.int8_accuracy)
    ]
    return "\n".join([header, "|---" * 9 + "|", *rows])


def _milliseconds(network: Network, pictures: LabelledPictures, size: int) -> float:
    pixels = read_picture(pictures.root / pictures.paths[0], size)
    seconds = []
    for _ in range(TIMED):
        begin = time.perf_counter()
        network.logits(pixels)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) * 1000
