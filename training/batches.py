"""What `fit` is fed with: augmented batches to learn from, whole ones to validate on.

Every worker reads its own share of every batch. What is read depends on the seed and the epoch
alone, so a resumed run sees what it would have seen.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.augmentation import augment
from training.config import TrainingConfig
from training.data import LabelledPictures, read_picture

Floats = npt.NDArray[np.float32]


def steps_of(pictures: LabelledPictures, config: TrainingConfig) -> int:
    """Batches that make an epoch; the last is filled up from the epoch's beginning."""
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
        pictures: n of them.
        targets: (n, classes), what the network is to answer.
        config: size, augmentation, seed.
        context: a `tf.distribute.InputContext`.
        first_epoch: the epoch to begin with.

    Returns:
        A `tf.data.Dataset` of pixels 0..255, float32, (batch, size, size, 3), and targets.
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
        wanted = tf.gather(tf.constant(targets), indices)
        return augment(pixels, wanted, seed, config.augmentation, flip=config.flip)

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
    """Endless rounds over all pictures, for one worker, as they are.

    Returns:
        A `tf.data.Dataset` of pixels, targets and weights; what fills up the last batch weighs 0.
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
    """A `tf.data.Dataset` of batches in order; the memory it needs does not grow with the data.

    Yields:
        float32 pixels 0..255, shape (batch, size, size, 3).
    """
    batches = tf.data.Dataset.range(len(pictures)).batch(batch_size)
    return batches.map(
        lambda indices: read_batch(pictures, size, indices), num_parallel_calls=tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)


def read_batch(pictures: LabelledPictures, size: int, indices: Any) -> Any:
    """In a graph: float32 pixels 0..255, (n, size, size, 3), of the pictures at `indices` (n,)."""

    def read(chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        return np.stack([read_picture(pictures.root / pictures.paths[i], size) for i in chosen])

    # Said to be without state: one with state would be read one batch after the other.
    pixels = tf.numpy_function(read, [indices], tf.uint8, stateful=False)
    pixels.set_shape((None, size, size, 3))
    return tf.cast(pixels, tf.float32)
