"""Keras to full-integer TensorFlow Lite."""

import tempfile
import warnings
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf


def quantize_int8(model: Any, calibration: Iterable[npt.NDArray[np.uint8]]) -> bytes:
    """Convert a Keras model to int8, weights per channel: uint8 pixels in, float32 logits out.

    Args:
        model: float pixels 0..255, (batch, height, width, 3), to logits (batch, classes).
        calibration: pictures, uint8 (height, width, 3), that show the range of the activations.
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
        return _quantize(tf.lite.TFLiteConverter.from_saved_model(folder), calibration)


def _quantize(converter: Any, calibration: Iterable[npt.NDArray[np.uint8]]) -> bytes:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [picture[np.newaxis].astype(np.float32)] for picture in calibration
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    # tflite-runtime 2.14, the last of its name, cannot load a dense layer quantised per channel.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    with warnings.catch_warnings():
        # Said of every model with quantised inputs; the statistics come from the calibration.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        return bytes(converter.convert())
