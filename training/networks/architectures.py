"""Backbones: pixels to feature maps. `ARCHITECTURES` is the registry.

To add an architecture, write a function `f(pixels, config)`, add it to `ARCHITECTURES` under its
name, and add that name to `config.Architecture`. The contract of the function:

Input
    `pixels` is a Keras tensor, float32, (batch, side, side, 3), RGB, 0..255, with
    `side = config.working_size`.
Rescaling
    The function rescales the pixels itself to the range that its weights expect.
Layers
    They are added to the graph of `pixels` (`input_tensor=pixels` for `keras.applications`), not
    nested as one model: `build` folds and freezes them one by one. A BatchNormalization directly
    after a convolution is folded into it; any other one stays trainable (see
    `build.fold_batch_norms`). Give both a momentum of `MOMENTUM`.
Weights
    `config.weights` is "none" for random weights, "imagenet" for weights that the function
    downloads, or the path of a weights file without the top. Raise any exception if they cannot be
    loaded: `build` reports it as a `WeightsError`.
Width
    A function that uses `config.alpha` is listed in `USES_ALPHA`; for the others `build` refuses
    any `alpha` but 1.
Result
    The feature maps, (batch, height, width, channels), before pooling. `build` adds pooling and the
    head.

For architectures of `keras.applications`, "imagenet" downloads the weights that Keras publishes.
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

# Keras's default of 0.99 averages over hundreds of steps, too many for short runs.
MOMENTUM = 0.9

_DEVIATIONS = [0.229, 0.224, 0.225]  # standard deviations of ImageNet's RGB channels, in 0..1


def mobilenet_v2(pixels: Any, config: TrainingConfig) -> Any:
    """MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381)."""
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(pixels)
    with warnings.catch_warnings():
        # Raised for sizes that the weights were not trained at. Convolutions take any size.
        warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
        return _keras_maps(keras.applications.MobileNetV2, scaled, config, alpha=config.alpha)


def resnet50(pixels: Any, config: TrainingConfig) -> Any:
    """ResNet50 (He et al. 2015, arXiv:1512.03385)."""
    # The weights expect BGR minus ImageNet's means. The means are subtracted here; the order of the
    # channels goes into the first kernel.
    means = [-123.68, -116.779, -103.939]
    centered = keras.layers.Rescaling(1.0, offset=means, name="rescale")(pixels)
    maps = _keras_maps(keras.applications.ResNet50, centered, config)
    if config.pretrained:
        first = keras.Model(pixels, maps).get_layer("conv1_conv")
        kernel, bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], bias])
    return maps


def efficientnet_b0(pixels: Any, config: TrainingConfig) -> Any:
    """EfficientNet-B0 (Tan & Le 2019, arXiv:1905.11946). It contains its own rescaling.

    Squeeze-and-excite and swish lose accuracy under int8: convert it to float16.
    """
    maps = _keras_maps(keras.applications.EfficientNetB0, pixels, config)
    if config.pretrained and config.weights != "imagenet":
        # The weights expect pixels divided by the roots of the deviations too. Keras does that only
        # if it downloads the weights itself, so for a file the division goes into the first kernel.
        first = keras.Model(pixels, maps).get_layer("stem_conv")
        (kernel,) = first.get_weights()
        first.set_weights([kernel / np.sqrt(_DEVIATIONS)[:, np.newaxis]])
    return maps


def efficientnet_lite(variant: Variant, pixels: Any, config: TrainingConfig) -> Any:
    """EfficientNet-Lite: without squeeze-and-excite and with ReLU6, designed for int8."""
    maps = efficientnet_lite_maps(pixels, variant, MOMENTUM)
    if config.pretrained:
        own = keras.Input((None, None, 3))
        source = keras.Model(own, efficientnet_lite_maps(own, variant, MOMENTUM))
        downloads = config.weights == "imagenet"
        source.load_weights(efficientnet_lite_weights(variant) if downloads else config.weights)
        target = keras.Model(pixels, maps)
        for layer in source.layers[1:]:  # the first is the input
            target.get_layer(layer.name).set_weights(layer.get_weights())
    return maps


def custom_cnn(pixels: Any, config: TrainingConfig) -> Any:
    """Four blocks of convolution, BatchNorm and pooling, to be trained from random weights.

    Raises:
        ValueError: `config.weights` is not "none"; there are no pretrained weights.
    """
    if config.pretrained:
        raise ValueError("custom_cnn has no pretrained weights.")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(pixels)
    for filters in (32, 64, 128, 256):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        # Synchronized: several devices normalize over the whole batch, as one device does.
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
USES_ALPHA: frozenset[Architecture] = frozenset({"mobilenet_v2"})


def _keras_maps(application: Any, pixels: Any, config: TrainingConfig, **options: Any) -> Any:
    """Feature maps of a network of `keras.applications`."""
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
