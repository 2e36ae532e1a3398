"""A folder of pictures from training to predictions: the commands beside TensorFlow's tutorials."""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers import environments


def measure(
    data: Path,
    weights: Path,
    *,
    training: int,
    validation: int,
    epochs: int,
) -> dict[str, Any]:
    """Train MobileNetV2, convert it and classify the validation pictures, both ways.

    Args:
        data: folder with `train/CLASS`; the first pictures of each class are used.
        weights: ImageNet weights of MobileNetV2 without its top.
        training: number of training pictures.
        validation: number of validation pictures.
        epochs: of each of the two phases of the tutorial.

    Returns:
        By way: `training_s`, `conversion_s` and `classification_s` by the clock, the
        `scheme` and size (MB) of the converted model, and the accuracies of the Keras and of the
        converted model on the validation pictures, 0 to 1.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        link_parts(data / "train", folder / "data", training, validation)
        found = environments.run(
            "lambda-tensorflow", "tutorial.py", folder / "data", weights, str(epochs),
            variables={"TF_CPP_MIN_LOG_LEVEL": "3"},
        )  # fmt: skip
        return {
            "this project": _ours(folder, weights),
            "TensorFlow's tutorials": {**found, "scheme": "int8"},
        }


def link_parts(source: Path, target: Path, training: int, validation: int) -> None:
    """Link pictures of `source/CLASS` into `target/train/CLASS` and `target/valid/CLASS`."""
    classes = sorted(path for path in source.iterdir() if path.is_dir())
    for each in classes:
        pictures = sorted(each.iterdir())[: (training + validation) // len(classes)]
        first = validation // len(classes)
        for part, chosen in (("valid", pictures[:first]), ("train", pictures[first:])):
            folder = target / part / each.name
            folder.mkdir(parents=True)
            for picture in chosen:
                (folder / picture.name).symlink_to(picture.resolve())


def _ours(folder: Path, weights: Path) -> dict[str, Any]:
    data, run, bundle = folder / "data", folder / "run", folder / "bundle"
    results = folder / "results.jsonl"
    commands = {
        "training_s": ["training", "train", data, run, "--weights", weights],
        "conversion_s": [
            "convert", "bundle", run, "--data", data, "--out", bundle, "--scheme", "auto",
        ],
        "classification_s": [
            "lambda_api", "classify", data / "valid", "--model", bundle, "--output", results,
        ],
    }  # fmt: skip
    found: dict[str, Any] = {}
    for stage, command in commands.items():
        start = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", *map(str, command)], cwd=environments.ROOT, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        found[stage] = time.perf_counter() - start
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    right = [row["label"] == Path(row["file"]).parent.name for row in rows]
    return {
        **found,
        "scheme": json.loads((bundle / "manifest.json").read_bytes())["quantization"],
        "model_mb": (bundle / "model.tflite").stat().st_size / 1e6,
        "keras_accuracy": json.loads((run / "result.json").read_bytes())["validation_accuracy"],
        "accuracy": sum(right) / len(right),
    }
