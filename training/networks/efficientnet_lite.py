"""EfficientNet-Lite 0, 1 and 2: EfficientNet for int8, with ReLU6 and no squeeze-and-excite."""

import math
from typing import Any, Literal

import keras

# Kernel, stride, expansion, filters and repeats of each stage of EfficientNet-B0 (Tan & Le 2019,
# arXiv:1905.11946, table 1). Lite0 has the same stages; Lite1 and Lite2 scale them.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM, TOP = 32, 1280  # filters of the first and the last convolution; not scaled
EPSILON = 1e-3  # of the BatchNorms; the value that the weights were trained with

Variant = Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
# Factors of the filters and of the repeats, from TensorFlow's `efficientnet_lite_builder.py`
# (https://github.com/tensorflow/tpu, models/official/efficientnet/lite).
SCALES: dict[Variant, tuple[float, float]] = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}


def efficientnet_lite_maps(pixels: Any, variant: Variant, momentum: float) -> Any:
    """Build the layers from pixels to feature maps.

    Args:
        pixels: Keras tensor, float32, (batch, height, width, 3), 0..255.
        variant: a key of `SCALES`.
        momentum: momentum of the BatchNorms' moving statistics.

    Returns:
        Feature maps, (batch, height / 32, width / 32, 1280); the sides are rounded up.
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
    for kernel, first_stride, expansion, filters, repeats in scaled_stages(variant):
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


def scaled_stages(variant: Variant) -> list[tuple[int, int, int, int, int]]:
    """Return `STAGES` with the filters and repeats of `variant`.

    Filters are rounded to multiples of 8, but not down by more than a tenth. Repeats are rounded
    up. The first and the last stage keep their repeats.
    """
    width, depth = SCALES[variant]
    stages = []
    for index, (kernel, stride, expansion, filters, repeats) in enumerate(STAGES):
        rounded = int(filters * width + 4) // 8 * 8
        if rounded < 0.9 * filters * width:
            rounded += 8
        inner = 0 < index < len(STAGES) - 1
        times = math.ceil(repeats * depth) if inner else repeats
        stages.append((kernel, stride, expansion, rounded, times))
    return stages
