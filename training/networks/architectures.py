"""The backbones: scaled pixels to a map of features.

A new one is a function and a line below, and its name in `config.Architecture`.

Of those from Keras, `weights="imagenet"` downloads what Keras publishes.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from training.config import Architecture, TrainingConfig
from training.networks.efficientnet_lite import Variant, efficientnet_lite_maps
from training.networks.efficientnet_lite_weights import efficientnet_lite_weights

# Keras's own BatchNorm momentum of 0.99 and more lags hundreds of steps behind in short runs.
MOMENTUM = 0.9

_DEVIATIONS = [0.229, 0.224, 0.225]  # standard, of ImageNet's red, green and blue in 0..1


def mobilenet_v2(pixels: Any, config: TrainingConfig) -> Any:
    """MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381)."""
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(pixels)
    with warnings.catch_warnings():
        # Said of sizes that the weights were not trained at; convolutions take any.
        warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
        return _of_keras(keras.applications.MobileNetV2, scaled, config, alpha=config.alpha)


def resnet50(pixels: Any, config: TrainingConfig) -> Any:
    """ResNet50 (He et al. 2015, arXiv:1512.03385)."""
    # Its weights expect BGR minus ImageNet's means: the means go here, the order into the kernel.
    means = [-123.68, -116.779, -103.939]
    centred = keras.layers.Rescaling(1.0, offset=means, name="rescale")(pixels)
    maps = _of_keras(keras.applications.ResNet50, centred, config)
    if config.pretrained:
        first = keras.Model(pixels, maps).get_layer("conv1_conv")
        kernel, bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], bias])
    return maps


def efficientnet_b0(pixels: Any, config: TrainingConfig) -> Any:
    """EfficientNet-B0 (Tan & Le 2019, arXiv:1905.11946); it scales its pixels by itself.

    Its squeeze-and-excite and swish break under int8: convert it by another scheme.
    """
    maps = _of_keras(keras.applications.EfficientNetB0, pixels, config)
    if config.pretrained and config.weights != "imagenet":
        # Keras divides the pixels by these roots too, which its weights expect, but only where it
        # fetches the weights by itself. Here they go into the kernel.
        first = keras.Model(pixels, maps).get_layer("stem_conv")
        (kernel,) = first.get_weights()
        first.set_weights([kernel / np.sqrt(_DEVIATIONS)[:, np.newaxis]])
    return maps


def efficientnet_lite(variant: Variant, pixels: Any, config: TrainingConfig) -> Any:
    """EfficientNet-Lite: without squeeze-and-excite and with ReLU6, made for int8."""
    maps = efficientnet_lite_maps(pixels, variant, MOMENTUM)
    if config.pretrained:
        cached = config.weights == "imagenet"
        own = keras.Input((None, None, 3))
        source = keras.Model(own, efficientnet_lite_maps(own, variant, MOMENTUM))
        source.load_weights(efficientnet_lite_weights(variant) if cached else config.weights)
        target = keras.Model(pixels, maps)
        for layer in source.layers[1:]:  # the first is the input
            target.get_layer(layer.name).set_weights(layer.get_weights())
    return maps


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
        # Several devices normalise by all of their batch, so that they learn what one would.
        x = keras.layers.BatchNormalization(momentum=MOMENTUM, synchronized=True)(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D()(x)
    return x


ARCHITECTURES: dict[Architecture, Callable[[Any, TrainingConfig], Any]] = {
    "mobilenet_v2": mobilenet_v2,
    "resnet50": resnet50,
    "efficientnet_b0": efficientnet_b0,
    "efficientnet_lite0": partial(efficientnet_lite, "efficientnet_lite0"),
    "efficientnet_lite1": partial(efficientnet_lite, "efficientnet_lite1"),
    "efficientnet_lite2": partial(efficientnet_lite, "efficientnet_lite2"),
    "custom_cnn": custom_cnn,
}


def _of_keras(application: Any, pixels: Any, config: TrainingConfig, **options: Any) -> Any:
    backbone = application(
        input_tensor=pixels,
        include_top=False,
        weights=config.weights if config.pretrained else None,
        **options,
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return backbone.output
