"""Augmentation: random changes that keep a picture's class.

Every change is a function of a seed, so a resumed run sees the same pictures as an uninterrupted
one.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.config import Preset

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601


@dataclass(frozen=True)
class Strength:
    """Limits of the random changes. Each change is drawn uniformly from minus to plus its limit.

    Attributes:
        rotation: degrees.
        shift: share of the side, per axis.
        shear: horizontal, share of the height.
        zoom_in: 0.2 shows at least 80% of the side.
        zoom_out: 0.2 shows up to 120% of the side; the border repeats the nearest pixel.
        color: share by which brightness, contrast and saturation change.
        mixup: alpha of mixup (Zhang et al. 2018, arXiv:1710.09412); 0 turns it off.
    """

    rotation: float = 0
    shift: float = 0
    shear: float = 0
    zoom_in: float = 0
    zoom_out: float = 0
    color: float = 0
    mixup: float = 0


PRESETS: dict[Preset, Strength] = {
    "none": Strength(),
    "light": Strength(shift=0.1, zoom_in=0.2, zoom_out=0.1),
    "default": Strength(rotation=20, shift=0.2, shear=0.2, zoom_in=0.2, zoom_out=0.2),
    "strong": Strength(
        rotation=20, shift=0.2, shear=0.2, zoom_in=0.2, zoom_out=0.2, color=0.2, mixup=0.2
    ),
}


def augment(
    pixels: Any, targets: Any, seed: Any, preset: Preset, *, flip: bool, mixup: float | None = None
) -> Any:
    """Change a batch at random.

    Args:
        pixels: float32, (n, height, width, 3), 0..255.
        targets: float32, (n, classes).
        seed: two integers; the same seed gives the same changes.
        preset: a key of `PRESETS`.
        flip: whether to mirror about half of the pictures left to right.
        mixup: alpha of mixup; None for that of `preset`.

    Returns:
        Pixels and targets with the shapes and dtypes of the arguments.
    """
    strength = PRESETS[preset]
    seeds = tf.unstack(tf.random.split(seed, 3))
    matrix = _affine(tf.shape(pixels), seeds[0], strength, flip=flip)
    pixels = keras.ops.image.affine_transform(
        pixels, matrix, interpolation="bilinear", fill_mode="nearest"
    )
    if strength.color:
        pixels = _color(pixels, seeds[1], strength.color)
    alpha = strength.mixup if mixup is None else mixup
    if alpha:
        pixels, targets = _mixup(pixels, targets, seeds[2], alpha)
    return pixels, targets


def _affine(shape: Any, seed: Any, strength: Strength, *, flip: bool) -> Any:
    """One matrix per picture from new to old coordinates, so that pixels are resampled once."""
    random = tf.random.stateless_uniform((6, shape[0]), seed, -1, 1)
    angle = random[0] * math.radians(strength.rotation)
    shear = random[1] * strength.shear
    zoom = 1 + tf.where(random[2] < 0, random[2] * strength.zoom_in, random[2] * strength.zoom_out)
    mirror = tf.sign(random[3]) if flip else tf.ones_like(random[3])
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    # Rotation times shear times zoom; mirroring negates the first column.
    a, b = tf.cos(angle), tf.cos(angle) * shear - tf.sin(angle)
    c, d = tf.sin(angle), tf.sin(angle) * shear + tf.cos(angle)
    a, b, c, d = a * zoom * mirror, b * zoom, c * zoom * mirror, d * zoom
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    x = middle_x + random[4] * strength.shift * width - a * middle_x - b * middle_y
    y = middle_y + random[5] * strength.shift * height - c * middle_x - d * middle_y
    zero = tf.zeros_like(a)
    return tf.stack([a, b, x, c, d, y, zero, zero], axis=1)


def _color(pixels: Any, seed: Any, most: float) -> Any:
    random = tf.random.stateless_uniform(
        (3, tf.shape(pixels)[0], 1, 1, 1), seed, 1 - most, 1 + most
    )
    gray = tf.reduce_sum(pixels * LUMA, axis=-1, keepdims=True)
    pixels = gray + (pixels - gray) * random[0]
    mean = tf.reduce_mean(gray, axis=(1, 2), keepdims=True)
    return tf.clip_by_value((mean + (pixels - mean) * random[1]) * random[2], 0, 255)


def _mixup(pixels: Any, targets: Any, seed: Any, alpha: float) -> tuple[Any, Any]:
    """Mix each picture with the one before it, with shares from a beta distribution."""
    gammas = tf.random.stateless_gamma((2, tf.shape(pixels)[0]), seed, alpha)
    share = (gammas[0] + 1e-6) / (gammas[0] + gammas[1] + 2e-6)
    share = tf.maximum(share, 1 - share)
    pixel_share, target_share = share[:, None, None, None], share[:, None]
    return (
        pixel_share * pixels + (1 - pixel_share) * tf.roll(pixels, 1, 0),
        target_share * targets + (1 - target_share) * tf.roll(targets, 1, 0),
    )


def samples(
    pixels: npt.NDArray[np.uint8],
    preset: Preset,
    *,
    flip: bool,
    mixup: float | None = None,
    times: int = 5,
) -> npt.NDArray[np.uint8]:
    """Augment pictures (n, h, w, 3) `times` times each: uint8, (n, times, h, w, 3)."""
    originals, targets = tf.cast(pixels, tf.float32), tf.zeros((len(pixels), 1))
    augmented = [
        augment(originals, targets, [0, i], preset, flip=flip, mixup=mixup)[0] for i in range(times)
    ]
    return np.stack(augmented, axis=1).round().astype(np.uint8)
