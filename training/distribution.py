"""Distribution strategies: one device, all GPUs of a machine, or several machines."""

import os
from typing import Any

import tensorflow as tf


class KerasMultiWorkerStrategy(tf.distribute.MultiWorkerMirroredStrategy):  # type: ignore[misc]
    """A `MultiWorkerMirroredStrategy` that Keras 3 can use. TF_CONFIG names the machines.

    Keras 3 calls `reduce` in two ways that TensorFlow's class rejects: with a whole batch, of which
    it uses only shapes and dtypes, and with scalars and an axis.
    """

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Return the first local value of a batch; reduce scalars over all replicas."""
        del axis
        if isinstance(value, tuple):
            return tf.nest.map_structure(lambda v: self.experimental_local_results(v)[0], value)
        return super().reduce(reduce_op, value, axis=None)


def choose_strategy() -> Any:
    """Choose a `tf.distribute.Strategy`: several machines, several GPUs, or one device."""
    if "TF_CONFIG" in os.environ:
        return KerasMultiWorkerStrategy()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
