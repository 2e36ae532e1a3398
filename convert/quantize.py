"""Conversion from Keras to TensorFlow Lite with any of the schemes."""

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

from convert.errors import ConversionFailed
from convert.model_file import logits_first
from convert.schemes import QUANTIZED_ACTIVATIONS
from lambda_api.manifest import Scheme
from training.networks.build import with_features

Pictures = Callable[[], Iterable[npt.NDArray[np.uint8]]]

LOGITS_OUTPUT, FEATURES_OUTPUT = "logits", "features"

_OPERATORS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": (tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8),
}


@contextmanager
def exported(model: Any) -> Iterator[Path]:
    """Write a model as the SavedModel that `converted` reads, and delete it at the end.

    Args:
        model: Keras model from pixels, float 0..255, (batch, height, width, 3), to logits
            (batch, classes). Its pooled features become a second output.
    """
    model = with_features(model)
    archive = keras.export.ExportArchive()
    archive.track(model)

    def serve(pixels: Any) -> dict[str, Any]:
        logits, features = model(pixels, training=False)
        return {LOGITS_OUTPUT: logits, FEATURES_OUTPUT: features}

    # `training=False` is explicit because `Resizing` defaults to training, and the layers after it
    # would follow.
    archive.add_endpoint(
        "serve",
        serve,
        [keras.InputSpec("float32", shape=model.input_shape)],
    )
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        yield Path(folder)


def converted(saved: Path, scheme: Scheme, calibration: Pictures) -> bytes:
    """Convert a SavedModel to a model file.

    The model file takes pixels 0..255, uint8 for int8 and float32 for all other schemes, and
    returns float32 logits and float32 pooled features.

    Args:
        saved: folder written by `exported`.
        scheme: quantization scheme. int8 and int16x8 quantize the weights of convolutions per
            channel, and those of dense layers per tensor.
        calibration: returns the pictures, uint8 RGB (height, width, 3), that calibrate the
            activation ranges. Only int8 and int16x8 call it.

    Raises:
        ConversionFailed: TensorFlow cannot convert the model.
    """
    with warnings.catch_warnings():
        # TensorFlow warns for every quantized input. The statistics come from the calibration.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        try:
            file = bytes(converter(saved, scheme, calibration).convert())
        except Exception as error:  # ConverterError, ValueError, RuntimeError and others
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ConversionFailed(reason[0]) from error
    return logits_first(file, LOGITS_OUTPUT)


def converter(saved: Path, scheme: Scheme, calibration: Pictures) -> Any:
    """Set up a `tf.lite.TFLiteConverter` for a scheme. Arguments as for `converted`."""
    lite = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    # tflite-runtime 2.14, the last release, cannot load a dense layer that is quantized per channel
    # and dynamically (FULLY_CONNECTED version 12).
    lite._experimental_disable_per_channel_quantization_for_dense_layers = True
    if scheme != "float32":
        lite.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        lite.target_spec.supported_types = [tf.float16]
    if scheme in QUANTIZED_ACTIVATIONS:
        lite.representative_dataset = lambda: (
            [picture[np.newaxis].astype(np.float32)] for picture in calibration()
        )
        lite.target_spec.supported_ops = [_OPERATORS[scheme]]
        lite.inference_input_type = tf.uint8 if scheme == "int8" else tf.float32
        lite.inference_output_type = tf.float32
    return lite
