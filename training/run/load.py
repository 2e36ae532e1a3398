"""Load the network of a finished run."""

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import keras

from training.errors import RunError
from training.networks.build import LOGITS, logits_model
from training.run.folder import Run


def open_network(run: Run) -> Any:
    """Load the model of `run`, without its softmax.

    Returns:
        A `keras.Model`: float32 pixels 0..255, (batch, size, size, 3), to logits (batch, classes).

    Raises:
        RunError: the model cannot be read, or does not fit the run's configuration and classes.
    """
    path, size, classes = run.model_path, run.config().image_size, run.split().classes
    if not path.is_file():
        raise RunError(f"{path}: no such file. Train again, or restore the file.")
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path} is not a model that Keras {keras.__version__} can read: {error}\n"
            f"{_keras_of(path)}Use the Keras version that wrote it, or train again."
        ) from error
    expected = ((size, size, 3), (len(classes),))
    actual = (tuple(model.input_shape[1:]), tuple(model.output_shape[1:]))
    if actual != expected or LOGITS not in [layer.name for layer in model.layers]:
        raise RunError(
            f"{path} is not the model of this run: it maps {actual[0]} to {actual[1]}, but the run "
            f"has pictures of {expected[0]} and {len(classes)} classes ({', '.join(classes)}). "
            "Restore the file, or train again."
        )
    return logits_model(model)


def _keras_of(path: Path) -> str:
    """A sentence with the Keras version that wrote a file; empty if it is unknown."""
    try:
        with ZipFile(path) as archive:
            version = json.loads(archive.read("metadata.json"))["keras_version"]
    except (BadZipFile, KeyError, ValueError):
        return ""
    return f"It was written by Keras {version}. "
