"""Keras to full-integer TensorFlow Lite."""

import tempfile
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def quantize_int8(model: Any, calibration: Iterable[npt.NDArray[np.uint8]]) -> bytes:
    """Convert a Keras model to int8, weights per channel: uint8 pixels in, float32 logits out.

    Args:
        model: float pixels 0..255, (batch, height, width, 3), to logits (batch, classes).
        calibration: pictures, uint8 (height, width, 3), that show the range of the activations.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        return _convert(converter, calibration)


def _convert(converter: Any, calibration: Iterable[npt.NDArray[np.uint8]]) -> bytes:
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
