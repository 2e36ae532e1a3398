"""EfficientNet-Lite0: EfficientNet made for int8, without squeeze-and-excite and with ReLU6."""

from typing import Any

import keras

# Kernel, stride, expansion, filters, repeats of each stage of EfficientNet-B0
# (Tan & Le 2019, arXiv:1905.11946, table 1), which Lite0 keeps.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM, TOP = 32, 1280  # filters of the first and the last convolution
EPSILON = 1e-3  # of the BatchNorms, as the weights were trained


def efficientnet_lite0_maps(pixels: Any, momentum: float) -> Any:
    """The map of features, (batch, height / 32, width / 32, 1280), of pixels 0..255.

    Layers are named as the tensors of the PyTorch port from which the weights come.

    Args:
        pixels: (batch, height, width, 3).
        momentum: of the BatchNorms' moving statistics.
    """

    def norm(x: Any, name: str, *, activate: bool = True) -> Any:
        x = keras.layers.BatchNormalization(momentum=momentum, epsilon=EPSILON, name=name)(x)
        return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x

    def convolution(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
        return keras.layers.Conv2D(
            filters, kernel, stride, padding="same", use_bias=False, name=name
        )(x)

    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(pixels)
    x = norm(convolution(x, STEM, 3, 2, "stem"), "stem_bn")
    block = 0
    for kernel, first_stride, expansion, filters, repeats in STAGES:
        for repeat in range(repeats):
            name, stride, shortcut = f"block{block}", first_stride if repeat == 0 else 1, x
            if expansion != 1:
                x = convolution(x, x.shape[-1] * expansion, 1, 1, f"{name}_expand")
                x = norm(x, f"{name}_expand_bn")
            x = keras.layers.DepthwiseConv2D(
                kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
            )(x)
            x = norm(x, f"{name}_depthwise_bn")
            x = norm(
                convolution(x, filters, 1, 1, f"{name}_project"),
                f"{name}_project_bn",
                activate=False,
            )
            if repeat:
                x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
            block += 1
    return norm(convolution(x, TOP, 1, 1, "top"), "top_bn")
