"""Checkpoints: the state after every epoch, from which `--resume` continues exactly."""

import json
import shutil
from typing import Any

import keras
import numpy as np

from training.run.folder import STATE_BYTES, Run
from training.run.history import Epoch, write_history

WEIGHTS, STATE = "all.weights.h5", "state.json"
FIGURES = ("accuracy", "loss", "val_accuracy", "val_loss")


class BestModel(keras.callbacks.ModelCheckpoint):  # type: ignore[misc]
    """Save the model with the best validation accuracy, replacing the previous one atomically.

    Args:
        run: the folder to save it in.
        network: a model with the same layers as the one that is trained, to be saved in its place.
    """

    def __init__(self, run: Run, network: Any) -> None:
        super().__init__(
            run.partial_model_path,
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
            initial_value_threshold=run.best_accuracy(),
        )
        self.run, self.network = run, network

    def set_model(self, _: Any) -> None:
        """Save `network` instead of the model that is trained, which may be of a class of ours."""
        super().set_model(self.network)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save the model if it is the best so far."""
        partial = self.run.partial_model_path
        partial.unlink(missing_ok=True)  # left by an interrupted save
        super().on_epoch_end(epoch, logs)
        if partial.is_file():
            partial.replace(self.run.model_path)


class LastModel(keras.callbacks.Callback):  # type: ignore[misc]
    """Save `network` after the last epoch, replacing the previous model atomically."""

    def __init__(self, run: Run, network: Any, epochs: int) -> None:
        super().__init__()
        self.run, self.network, self.epochs = run, network, epochs

    def on_epoch_end(self, epoch: int, _: Any = None) -> None:
        """Save the network if this is the last epoch."""
        if epoch + 1 == self.epochs:
            self.run.save(self.network)


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Save weights, optimizer, history and the counters of other callbacks after every epoch.

    A checkpoint is a folder that is renamed when it is complete. A process killed at any moment
    leaves the previous one. This must be the last callback in the list.

    Attributes:
        done: completed epochs that trained all layers.
    """

    def __init__(self, run: Run, stateful: list[Any]) -> None:
        super().__init__()
        self.run, self.stateful, self.done = run, stateful, 0
        self._epochs = [epoch for epoch in run.epochs() if epoch.phase == "head"]
        self._counted: list[dict[str, float]] = []

    def restore(self, model: Any) -> bool:
        """Load the newest checkpoint, if any, into a compiled `model`.

        Returns:
            Whether training had already ended.
        """
        complete = [path for path in self.run.backup_path.glob("*") if path.name.isdecimal()]
        if not complete:
            return False
        newest = max(complete, key=lambda path: int(path.name))
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        model.load_weights(newest / WEIGHTS)
        state = json.loads((newest / STATE).read_text())
        self._epochs = [Epoch.model_validate(epoch) for epoch in state["epochs"]]
        self._counted, self.done = state["counted"], state["done"]
        write_history(self.run.history_path, self._epochs)
        return bool(state["ended"])

    def on_train_begin(self, _: Any = None) -> None:
        """Restore the counters of other callbacks, which reset themselves at this point."""
        for callback, counted in zip(self.stateful, self._counted, strict=False):
            vars(callback).update(counted)

    def on_epoch_begin(self, epoch: int, _: Any = None) -> None:
        """Check the free disk space, and seed dropout by epoch so that a resumed run agrees."""
        self.run.check_space(STATE_BYTES * self.model.count_params())
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate:
                layer.seed_generator.state.assign([layer.seed, epoch])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the checkpoint and the history, then delete the previous checkpoint."""
        self.done = epoch + 1
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        figures = {name: float(logs[name]) for name in FIGURES} | {"learning_rate": rate}
        self._epochs.append(Epoch(phase="all", epoch=len(self._epochs), **figures))
        state = {
            "epochs": [epoch.model_dump() for epoch in self._epochs],
            "done": self.done,
            "ended": self.model.stop_training or self.done == self.params["epochs"],
            "counted": [_numbers(vars(callback)) for callback in self.stateful],
        }
        partial, complete = self.run.backup_path / "partial", self.run.backup_path / str(epoch)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save_weights(partial / WEIGHTS)
        (partial / STATE).write_text(json.dumps(state))
        partial.rename(complete)
        write_history(self.run.history_path, self._epochs)
        for other in self.run.backup_path.iterdir():
            if other != complete:
                shutil.rmtree(other)


def _numbers(attributes: dict[str, Any]) -> dict[str, float]:
    """The numeric attributes of a callback."""
    kinds = (int, float, np.number)
    return {name: float(value) for name, value in attributes.items() if isinstance(value, kinds)}
