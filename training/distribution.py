"""Where a network is trained: one device, all GPUs of a machine, or several machines."""

import os
from typing import Any

import tensorflow as tf


class Workers(tf.distribute.MultiWorkerMirroredStrategy):  # type: ignore[misc]
    """Several machines, each told of the others by TF_CONFIG.

    Keras 3 asks a strategy for two reductions that this one refuses: of a whole batch, of which it
    wants shapes and types alone, and of scalars along an axis.
    """

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        del axis
        if isinstance(value, tuple):
            return tf.nest.map_structure(lambda v: self.experimental_local_results(v)[0], value)
        return super().reduce(reduce_op, value, axis=None)


def choose_strategy() -> Any:
    """The strategy for what there is: TF_CONFIG, several GPUs, or one device."""
    if "TF_CONFIG" in os.environ:
        return Workers()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
