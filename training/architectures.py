"""The backbones: scaled pixels to a map of features. A new one is a function and a line below."""

import warnings
from collections.abc import Callable
from typing import Any

import keras

from training.config import TrainingConfig

# Keras's own BatchNorm momentum of 0.99 and more lags hundreds of steps behind in short runs.
MOMENTUM = 0.9


def mobilenet_v2(pixels: Any, config: TrainingConfig) -> Any:
    """MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), ImageNet weights wanted."""
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(pixels)
    with warnings.catch_warnings():
        # Said of sizes that the weights were not trained at; convolutions take any.
        warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
        backbone = keras.applications.MobileNetV2(
            input_tensor=scaled,
            alpha=config.alpha,
            include_top=False,
            weights=config.weights if config.pretrained else None,
        )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return backbone.output


def custom_cnn(pixels: Any, config: TrainingConfig) -> Any:
    """Four blocks of convolution, BatchNorm and pooling, to be trained from nothing.

    Raises:
        ValueError: weights are asked for; there are none.
    """
    if config.pretrained:
        raise ValueError("custom_cnn has no weights to start from; train it with weights 'none'.")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(pixels)
    for filters in (32, 64, 128, 256):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D()(x)
    return x


ARCHITECTURES: dict[str, Callable[[Any, TrainingConfig], Any]] = {
    "mobilenet_v2": mobilenet_v2,
    "custom_cnn": custom_cnn,
}
