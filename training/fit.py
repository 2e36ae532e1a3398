"""A run from pictures to a Keras model: head first, then all layers."""

import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.batches import steps_of, stream, training_batches, validation_batches
from training.calibration import calibrate
from training.config import TrainingConfig
from training.data import LabelledPictures
from training.errors import RunError
from training.head import Floats, fit_head
from training.networks.build import build, feature_extractor, logits_model
from training.run.checkpoint import BestModel, Checkpoint
from training.run.folder import Result, Run, file_sha256
from training.run.history import write_history

TOOLCHAIN = ("keras", "numpy", "pillow", "scikit-learn")


def begin(config: TrainingConfig, classes: int) -> Any:
    """The network before training; from here on all that is drawn at random follows the seed.

    Raises:
        WeightsError: weights that cannot be used.
    """
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    return build(config, classes)


def fit(
    model: Any,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    config: TrainingConfig,
    run: Run,
    strategy: Any,
    *,
    tensorboard: bool = False,
) -> tuple[Floats, Result]:
    """Train `model` on `fitting`, choose by `validation`, and leave the chosen one in `run`.

    What `run` holds of the same training, interrupted, is gone on with.

    Returns:
        The chosen model's logits of the validation pictures, (n, classes), and what came of it.

    Raises:
        RunError: no epoch ended with a usable model.
        CalibrationError: training went astray.
    """
    if config.pretrained and not any(epoch.phase == "all" for epoch in run.epochs()):
        train_head(model, fitting, validation, config, run, tensorboard=tensorboard)
    if config.epochs:
        print(f"All layers, at most {config.epochs} epochs …", flush=True)
        with strategy.scope():
            fine_tune(model, fitting, validation, config, run, tensorboard=tensorboard)
    return _finish(model, validation, config, run)


def train_head(
    model: Any,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    config: TrainingConfig,
    run: Run,
    *,
    tensorboard: bool = False,
) -> None:
    """Train the head of a pretrained `model` on the frozen rest.

    The features of all pictures are in memory, at the peak four times as float32: 20 KB a picture
    for a network that gives 1,280.
    """
    print(f"The head on the frozen network, {len(fitting)} pictures …", flush=True)
    extractor = feature_extractor(model)
    features, held_out = (
        extractor.predict(stream(part, config.image_size, config.batch_size), verbose=_verbose())
        for part in (fitting, validation)
    )
    epochs = fit_head(
        model,
        features,
        one_hot(fitting),
        (held_out, one_hot(validation)),
        config,
        _logging(run, "head") if tensorboard else [],
    )
    run.save(model)
    write_history(run.history_path, epochs)
    print(f"  validation accuracy {run.best_accuracy():.4f}", flush=True)


def fine_tune(
    start: Any,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    config: TrainingConfig,
    run: Run,
    *,
    tensorboard: bool,
) -> None:
    """Train all layers from where `start` is; the model of the best validation accuracy stays."""
    strategy = tf.distribute.get_strategy()
    model = _precise(config, len(fitting.classes))
    model.set_weights(start.get_weights())
    steps = steps_of(fitting, config)
    model.compile(
        optimizer=_optimizer(config, steps),
        # On validation, what fills the last batch up weighs nothing.
        loss=keras.losses.CategoricalCrossentropy(
            label_smoothing=config.label_smoothing, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=["accuracy"],
    )
    counting = [keras.callbacks.EarlyStopping("val_loss", patience=config.patience)]
    if not config.pretrained:
        counting.append(keras.callbacks.ReduceLROnPlateau("val_loss", patience=2, factor=0.3))
    checkpoint = Checkpoint(run, counting)
    if checkpoint.restore(model):
        return
    done = checkpoint.done
    model.fit(
        strategy.distribute_datasets_from_function(
            lambda context: training_batches(
                fitting, one_hot(fitting), config, context, first_epoch=done
            )
        ),
        steps_per_epoch=steps,
        validation_data=strategy.distribute_datasets_from_function(
            lambda context: validation_batches(validation, one_hot(validation), config, context)
        ),
        validation_steps=steps_of(validation, config),
        shuffle=False,  # the batches are
        initial_epoch=done,
        epochs=config.epochs,
        verbose=_verbose(),
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            *counting,
            BestModel(run),
            *(_logging(run, "all") if tensorboard else []),
            TimeLeft(config.epochs),
            checkpoint,
        ],
    )


class TimeLeft(keras.callbacks.Callback):  # type: ignore[misc]
    """Says after every epoch how long the rest will take at most."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs, self._begin = epochs, 0.0

    def on_epoch_begin(self, *_: Any) -> None:
        """Look at the clock."""
        self._begin = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Say it."""
        minutes = (time.monotonic() - self._begin) * (self.epochs - epoch - 1) / 60
        logs["minutes_left"] = round(minutes, 1)  # Keras's own line tells it


def _logging(run: Run, phase: str) -> list[Any]:
    return [keras.callbacks.TensorBoard(run.folder / "tensorboard" / phase)]


def one_hot(pictures: LabelledPictures) -> Floats:
    """The labels as (n, classes), float32."""
    return np.eye(len(pictures.classes), dtype=np.float32)[pictures.labels]


def _precise(config: TrainingConfig, classes: int) -> Any:
    """The network in the precision that it is to learn in."""
    if not config.mixed_precision:
        return build(config, classes)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return build(config, classes)
    finally:
        keras.config.set_dtype_policy("float32")


def _optimizer(config: TrainingConfig, steps: int) -> Any:
    if not config.pretrained:
        return keras.optimizers.Adam(config.learning_rate, global_clipnorm=config.clip_norm)
    warmup = int(steps * config.warmup_epochs)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else config.fine_tuning_rate,
        decay_steps=max(1, steps * config.epochs - warmup),
        warmup_target=config.fine_tuning_rate if warmup else None,
        warmup_steps=warmup,
    )
    return keras.optimizers.AdamW(
        rate, weight_decay=config.weight_decay, global_clipnorm=config.clip_norm
    )


def _finish(
    model: Any, validation: LabelledPictures, config: TrainingConfig, run: Run
) -> tuple[Floats, Result]:
    """Measure the chosen model, in full precision, on validation."""
    if not run.model_path.is_file():
        raise RunError(f"{run.folder}: no epoch ended with a usable model; try a lower rate.")
    model.set_weights(keras.models.load_model(run.model_path, compile=False).get_weights())
    if config.mixed_precision:
        run.save(model)
    batches = stream(validation, config.image_size, config.batch_size)
    logits = np.asarray(logits_model(model).predict(batches, verbose=_verbose()))
    weights = Path(config.weights)
    return logits, Result(
        head_accuracy=run.head_accuracy(),
        validation_accuracy=float((logits.argmax(1) == validation.labels).mean()),
        epochs=sum(epoch.phase == "all" for epoch in run.epochs()),
        weights_sha256=file_sha256(weights) if weights.is_file() else None,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        toolchain={"tensorflow": tf.__version__} | {name: version(name) for name in TOOLCHAIN},
        calibration=calibrate(logits, validation.labels),
    )


def _verbose() -> int:
    """Keras's progress bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2
