"""Input pipelines: augmented batches for training, plain ones for validation and prediction.

Each worker reads its own share of every batch. The contents depend only on the seed and the epoch,
so a resumed run sees the same batches as an uninterrupted one.
"""

import atexit
import gc
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.augmentation import augment
from training.calibration import Floats
from training.config import TrainingConfig
from training.data import LabelledPictures, read_picture

# Keras leaves iterators in reference cycles, for example when a fit is interrupted. If Python
# collects such a cycle while it shuts down, it waits forever for a thread that reads pictures,
# because that thread may no longer run Python code. So they are collected before.
atexit.register(gc.collect)


def steps_of(pictures: LabelledPictures, config: TrainingConfig) -> int:
    """Batches per epoch. The last batch is filled up with pictures from the start of the epoch."""
    return math.ceil(len(pictures) / config.batch_size)


def training_batches(
    pictures: LabelledPictures,
    targets: Floats,
    config: TrainingConfig,
    context: Any,
    *,
    first_epoch: int,
) -> Any:
    """Endless shuffled, augmented batches for one worker.

    Args:
        pictures: n pictures.
        targets: their targets, float32, (n, classes).
        config: for picture size, batch size, augmentation and seed.
        context: a `tf.distribute.InputContext`.
        first_epoch: the epoch to start with.

    Returns:
        A `tf.data.Dataset` of pixels 0..255, float32, (batch, size, size, 3), and targets, float32,
        (batch, classes).

    Raises:
        ValueError: the batch size is not divisible by the number of devices.
    """
    count, padded = len(pictures), steps_of(pictures, config) * config.batch_size

    def order(epoch: Any) -> Any:
        shuffled = tf.random.experimental.stateless_shuffle(tf.range(count), [config.seed, epoch])
        places = tf.range(padded)[context.input_pipeline_id :: context.num_input_pipelines]
        return tf.data.Dataset.from_tensor_slices(
            (tf.gather(shuffled, places % count), epoch * padded + tf.cast(places, tf.int64))
        )

    def augmented(indices: Any, places: Any) -> Any:
        pixels = read_batch(pictures, config.image_size, indices)
        seed = tf.stack([tf.constant(config.seed, tf.int64), places[0]])
        chosen = tf.gather(tf.constant(targets), indices)
        return augment(
            pixels, chosen, seed, config.augmentation, flip=config.flip, mixup=config.mixup
        )

    batch = context.get_per_replica_batch_size(config.batch_size)
    return (
        tf.data.Dataset.range(first_epoch, tf.int64.max)
        .flat_map(order)
        .batch(batch, drop_remainder=True)
        .map(augmented, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def validation_batches(
    pictures: LabelledPictures, targets: Floats, config: TrainingConfig, context: Any
) -> Any:
    """Endless passes over all pictures in order, without augmentation, for one worker.

    Returns:
        A `tf.data.Dataset` of pixels and targets as in `training_batches`, and sample weights,
        float32, (batch,). Pictures that only fill up the last batch have weight 0.
    """
    count, padded = len(pictures), steps_of(pictures, config) * config.batch_size
    places = np.arange(padded)[context.input_pipeline_id :: context.num_input_pipelines]

    def load(places: Any) -> Any:
        indices = places % count
        pixels = read_batch(pictures, config.image_size, indices)
        return (
            pixels,
            tf.gather(tf.constant(targets), indices),
            tf.cast(places < count, tf.float32),
        )

    batch = context.get_per_replica_batch_size(config.batch_size)
    return (
        tf.data.Dataset.from_tensor_slices(places)
        .repeat()
        .batch(batch, drop_remainder=True)
        .map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def stream(pictures: LabelledPictures, size: int, batch_size: int) -> Any:
    """Batches of all pictures in order. Memory use does not grow with the number of pictures.

    Returns:
        A `tf.data.Dataset` of pixels 0..255, float32, (batch, size, size, 3).
    """
    batches = tf.data.Dataset.range(len(pictures)).batch(batch_size)
    return batches.map(
        lambda indices: read_batch(pictures, size, indices), num_parallel_calls=tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)


def read_batch(pictures: LabelledPictures, size: int, indices: Any) -> Any:
    """Decode the pictures at `indices` (n,) in a graph: float32 0..255, (n, size, size, 3)."""

    def read(chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        return np.stack([read_picture(pictures.root / pictures.paths[i], size) for i in chosen])

    # Declared stateless: TensorFlow runs stateful functions one after the other.
    pixels = tf.numpy_function(read, [indices], tf.uint8, stateful=False)
    pixels.set_shape((None, size, size, 3))
    return tf.cast(pixels, tf.float32)
