"""Keras to TensorFlow Lite, by any of the schemes."""

import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from convert.errors import ConversionError
from convert.schemes import QUANTISED_ACTIVATIONS
from lambda_api.manifest import Scheme

Pictures = Callable[[], Iterable[npt.NDArray[np.uint8]]]

_OPERATORS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": (tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8),
}


@contextmanager
def exported(model: Any) -> Iterator[Path]:
    """A folder, while the context lasts, with what `converted` reads.

    Args:
        model: float pixels 0..255, (batch, height, width, 3), to logits (batch, classes).
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    # Said outright: `Resizing` has training as its default, and the layers after it would follow.
    archive.add_endpoint(
        "serve",
        lambda pixels: model(pixels, training=False),
        [keras.InputSpec("float32", shape=model.input_shape)],
    )
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        yield Path(folder)


def converted(saved: Path, scheme: Scheme, calibration: Pictures) -> bytes:
    """The model file: pixels 0..255 in, float32 logits out; uint8 in for int8, float32 else.

    Args:
        saved: a folder of `exported`.
        scheme: int8 and int16x8 have the weights of convolutions per channel, those of dense
            layers per tensor.
        calibration: gives pictures, uint8 (height, width, 3), that show the range of the
            activations; asked by int8 and int16x8.

    Raises:
        ConversionError: TensorFlow cannot.
    """
    with warnings.catch_warnings():
        # Said of every model with quantised inputs; the statistics come from the calibration.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        try:
            return bytes(converter(saved, scheme, calibration).convert())
        except Exception as error:  # of TensorFlow: ConverterError, ValueError, RuntimeError …
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ConversionError(reason[0]) from error


def converter(saved: Path, scheme: Scheme, calibration: Pictures) -> Any:
    """A `tf.lite.TFLiteConverter` that is set up for a scheme; arguments as of `converted`."""
    made = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    # tflite-runtime 2.14, the last of its name, cannot load a dense layer quantised per channel
    # and dynamically (FULLY_CONNECTED version 12).
    made._experimental_disable_per_channel_quantization_for_dense_layers = True
    if scheme != "float32":
        made.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        made.target_spec.supported_types = [tf.float16]
    if scheme in QUANTISED_ACTIVATIONS:
        made.representative_dataset = lambda: (
            [picture[np.newaxis].astype(np.float32)] for picture in calibration()
        )
        made.target_spec.supported_ops = [_OPERATORS[scheme]]
        made.inference_input_type = tf.uint8 if scheme == "int8" else tf.float32
        made.inference_output_type = tf.float32
    return made
