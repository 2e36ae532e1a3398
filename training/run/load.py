"""The network of a finished run, read back."""

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import keras

from training.errors import RunError
from training.networks.build import LOGITS, logits_model
from training.run.folder import Run


def open_network(run: Run) -> Any:
    """The model that `run` kept, cut at its logits: pixels 0..255 to (batch, classes).

    Raises:
        RunError: the model cannot be read, or is not the run's.
    """
    path, size, classes = run.model_path, run.config().image_size, run.split().classes
    if not path.is_file():
        raise RunError(f"{path}: is not there. Train again, or bring the file back.")
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path}: is not a model that Keras {keras.__version__} can read ({error}). "
            f"{_writer(path)}Use the Keras that wrote it, or train again."
        ) from error
    shape = (size, size, 3)
    found = (tuple(model.input_shape[1:]), tuple(model.output_shape[1:]))
    if found != (shape, (len(classes),)) or LOGITS not in [x.name for x in model.layers]:
        raise RunError(
            f"{path}: goes from {found[0]} to {found[1]}, but the run is of pictures {shape} and "
            f"{len(classes)} classes ({', '.join(classes)}). It is not this run's model."
        )
    return logits_model(model)


def _writer(path: Path) -> str:
    """A sentence on the Keras that wrote a file, as far as it says so."""
    try:
        with ZipFile(path) as archive:
            wrote = json.loads(archive.read("metadata.json"))["keras_version"]
    except (BadZipFile, KeyError, ValueError):
        return ""
    return f"It was written by Keras {wrote}. "
