"""The two training phases: the head on the frozen backbone, then all layers."""

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
from training.calibration import Floats, calibrate
from training.config import TrainingConfig
from training.data import LabelledPictures
from training.errors import RunError
from training.head import fit_head
from training.labels import Softened, targets
from training.networks.build import build, feature_extractor, logits_model
from training.prepare import RunPictures
from training.refit import Original
from training.run.checkpoint import BestModel, Checkpoint, LastModel
from training.run.folder import Result, Run, file_sha256
from training.run.history import write_history
from training.teachers import Student, open_teachers

TOOLCHAIN = ("keras", "numpy", "pillow", "scikit-learn")


def begin(config: TrainingConfig, classes: int) -> Any:
    """Seed all random numbers, and build the network.

    On a CPU, operations are made deterministic too.

    Raises:
        ConfigError: options that contradict each other.
        WeightsError: the weights cannot be used.
    """
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    return build(config, classes)


def fit(
    model: Any,
    pictures: RunPictures,
    config: TrainingConfig,
    run: Run,
    strategy: Any,
    *,
    original: Original | None = None,
    tensorboard: bool = False,
) -> tuple[Floats, Result]:
    """Train `model`, and save the model with the best validation accuracy in `run`.

    A refit saves the model of its last epoch. Training continues from the state in `run`, if it was
    interrupted.

    Returns:
        The saved model's logits of the validation pictures, float32, (n, classes), and the result.

    Raises:
        RunError: no epoch produced a usable model.
        CalibrationError: training diverged.
    """
    if config.pretrained and not any(epoch.phase == "all" for epoch in run.epochs()):
        train_head(
            model,
            pictures.fitting,
            pictures.head_validation,
            config,
            run,
            softened=pictures.softened,
            tensorboard=tensorboard,
        )
    if config.epochs:
        epochs = original.epochs if original else config.epochs
        print(f"Training all layers up to epoch {epochs} …", flush=True)
        with strategy.scope():
            fine_tune(
                model,
                pictures.all_layers,
                pictures.validation,
                config,
                run,
                softened=pictures.softened,
                original=original,
                tensorboard=tensorboard,
            )
    return _finish(model, pictures.validation, config, run, original)


def train_head(
    model: Any,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    config: TrainingConfig,
    run: Run,
    *,
    softened: Softened,
    tensorboard: bool = False,
) -> None:
    """Train the head of a pretrained `model` on the frozen backbone.

    The features of all pictures are kept in memory, up to four copies as float32: 20 KB per picture
    for 1,280 features.
    """
    print(f"Training the head on the frozen backbone, {len(fitting)} pictures …", flush=True)
    extractor = feature_extractor(model)
    features, held_out = (
        extractor.predict(stream(part, config.image_size, config.batch_size), verbose=_verbose())
        for part in (fitting, validation)
    )
    epochs = fit_head(
        model,
        features,
        targets(fitting, softened),
        (held_out, targets(validation)),
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
    softened: Softened,
    original: Original | None,
    tensorboard: bool,
) -> None:
    """Train all layers from the weights of `start`, and save the model of the best epoch.

    `fitting` may contain unlabeled pictures. A refit repeats the epochs of `original` and saves the
    last model: `validation` decides nothing.
    """
    strategy = tf.distribute.get_strategy()
    network = _build_in_precision(config, len(fitting.classes))
    network.set_weights(start.get_weights())
    model = Student(network, open_teachers(config)) if config.teachers else network
    steps = steps_of(fitting, config)
    model.compile(
        optimizer=_optimizer(config, steps),
        # Weighted: on validation, pictures that only fill up the last batch have weight 0.
        loss=keras.losses.CategoricalCrossentropy(
            label_smoothing=config.label_smoothing, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=["accuracy"],
    )
    if model is network:
        # Creates the variables of optimizer and metrics. Created while the training step is traced,
        # as Keras does for a functional model, they make TensorFlow trace the step a second time.
        batch = (model.input, model.output, keras.KerasTensor((None,)))
        model._symbolic_build(data_batch=batch)
    epochs = original.epochs if original else config.epochs
    stateful, others = _deciding(config, run, network, original)
    checkpoint = Checkpoint(run, stateful)
    if checkpoint.restore(model):
        return
    done = checkpoint.done
    model.fit(
        strategy.distribute_datasets_from_function(
            lambda context: training_batches(
                fitting, targets(fitting, softened), config, context, first_epoch=done
            )
        ),
        steps_per_epoch=steps,
        validation_data=strategy.distribute_datasets_from_function(
            lambda context: validation_batches(validation, targets(validation), config, context)
        ),
        validation_steps=steps_of(validation, config),
        shuffle=False,  # the batches are already shuffled
        initial_epoch=done,
        epochs=epochs,
        verbose=_verbose(),
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            *stateful,
            *others,
            *(_logging(run, "all") if tensorboard else []),
            TimeLeft(epochs),
            checkpoint,
        ],
    )


def _deciding(
    config: TrainingConfig, run: Run, network: Any, original: Original | None
) -> tuple[list[Any], list[Any]]:
    """Callbacks that stop, change the learning rate, and save the model.

    Returns:
        Those with counters, which a checkpoint contains, and the others.
    """
    if original is None:
        stateful = [keras.callbacks.EarlyStopping("val_loss", patience=config.patience)]
        if not config.pretrained:
            stateful.append(keras.callbacks.ReduceLROnPlateau("val_loss", patience=2, factor=0.3))
        return stateful, [BestModel(run, network)]
    others = [LastModel(run, network, original.epochs)]
    if not config.pretrained:
        others.append(keras.callbacks.LearningRateScheduler(lambda epoch: original.rates[epoch]))
    return [], others


class TimeLeft(keras.callbacks.Callback):  # type: ignore[misc]
    """Log after every epoch how many minutes the remaining epochs take at most."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs, self._start = epochs, 0.0

    def on_epoch_begin(self, *_: Any) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add the minutes to the logs, which Keras prints."""
        minutes = (time.monotonic() - self._start) * (self.epochs - epoch - 1) / 60
        logs["minutes_left"] = round(minutes, 1)


def _logging(run: Run, phase: str) -> list[Any]:
    return [keras.callbacks.TensorBoard(run.folder / "tensorboard" / phase)]


def _build_in_precision(config: TrainingConfig, classes: int) -> Any:
    """Build the network with the dtype policy of `config`."""
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
    model: Any,
    validation: LabelledPictures,
    config: TrainingConfig,
    run: Run,
    original: Original | None,
) -> tuple[Floats, Result]:
    """Evaluate the saved model on the validation pictures, in float32."""
    epochs = sum(epoch.phase == "all" for epoch in run.epochs())
    if not run.model_path.is_file() or (original and epochs < original.epochs):
        raise RunError(
            f"{run.folder}: no epoch produced a usable model. "
            "Train again with a lower learning rate."
        )
    model.set_weights(keras.models.load_model(run.model_path, compile=False).get_weights())
    if config.mixed_precision:
        run.save(model)
    batches = stream(validation, config.image_size, config.batch_size)
    logits = np.asarray(logits_model(model).predict(batches, verbose=_verbose()))
    weights = Path(config.weights)
    calibration = calibrate(logits, validation.labels)
    return logits, Result(
        head_accuracy=run.head_accuracy(),
        validation_accuracy=float((logits.argmax(1) == validation.labels).mean()),
        epochs=epochs,
        weights_sha256=file_sha256(weights) if weights.is_file() else None,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        toolchain={"tensorflow": tf.__version__} | {name: version(name) for name in TOOLCHAIN},
        calibration=original.run.calibration() if original else calibration,
        refit=original.record() if original else None,
    )


def _verbose() -> int:
    """Keras verbosity: a progress bar on a terminal, otherwise one line per epoch."""
    return 1 if sys.stdout.isatty() else 2
