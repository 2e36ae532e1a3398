"""A run from pictures to a Keras model: head first, then all layers."""

import math
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.config import TrainingConfig
from training.data import (
    LabelledPictures,
    content_hash,
    open_dataset,
    split,
    stream,
)
from training.head import fit_head
from training.network import build, feature_extractor, set_head
from training.run import HeadResult, Result, Run, RunError, Split, file_sha256

TOOLCHAIN = ("keras", "numpy", "pillow", "scikit-learn")


def train(data: Path, folder: Path, config: TrainingConfig, *, resume: bool = False) -> Result:
    """Train on `data` and leave model, configuration, history and split in `folder`.

    Raises:
        DataError: pictures that cannot be used.
        WeightsError: weights that cannot be used.
        RunError: `folder` holds something else.
    """
    run = Run(folder)
    if not resume:
        run.check_new()
    keras.utils.set_random_seed(config.seed)
    pictures, _ = open_dataset(data)
    print(f"{len(pictures)} pictures of {len(pictures.classes)} classes: reading them once …")
    fitting, validation = split(pictures, config.validation_fraction, config.seed)
    record = Split(
        dataset=data.resolve().name,
        dataset_sha256=content_hash(pictures),
        classes=pictures.classes,
        train=tuple(p.as_posix() for p in fitting.paths),
        validation=tuple(p.as_posix() for p in validation.paths),
    )
    if resume:
        run.check_resumable(config, record)
    model = build(config, len(pictures.classes))
    if not resume:
        run.create(config, record)

    if config.pretrained and not run.epoch_accuracies():
        print(f"Phase 1: a linear head on {len(fitting)} pictures, the network frozen …")
        head = HeadResult(validation_accuracy=start_head(model, fitting, validation, config))
        print(f"  validation accuracy {head.validation_accuracy:.4f}")
        model.save(run.model_path)
        run.write_head(head)
    if config.epochs:
        print(f"Phase 2: all layers, at most {config.epochs} epochs …")
        fine_tune(model, fitting, validation, config, run)
    return _finish(run, config, validation)


def start_head(
    model: Any, fitting: LabelledPictures, validation: LabelledPictures, config: TrainingConfig
) -> float:
    """Fit the last layer of `model` with the rest frozen; its validation accuracy, 0..1."""
    extractor = feature_extractor(model)
    features, validation_features = (
        extractor.predict(stream(part, config.image_size, config.batch_size), verbose=_verbose())
        for part in (fitting, validation)
    )
    head = fit_head(features, fitting.labels, validation_features, validation.labels, config.seed)
    set_head(model, head.kernel, head.bias)
    return head.validation_accuracy


def fine_tune(
    model: Any,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    config: TrainingConfig,
    run: Run,
) -> None:
    """Train all layers; the model of the best validation accuracy so far stays in `run`."""
    head = run.head()
    accuracies = run.epoch_accuracies() + ([head.validation_accuracy] if head else [])
    steps = math.ceil(len(fitting) / config.batch_size)
    warmup = int(steps * config.warmup_epochs)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else config.learning_rate,
        decay_steps=max(1, steps * config.epochs - warmup),
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    model.fit(
        stream(
            fitting,
            config.image_size,
            config.batch_size,
            shuffle_seed=config.seed,
            augment=augmentation(config),
        ),
        validation_data=stream(validation, config.image_size, config.batch_size),
        shuffle=False,  # the stream has done it
        epochs=config.epochs,
        verbose=_verbose(),
        callbacks=[
            keras.callbacks.BackupAndRestore(run.backup_path, delete_checkpoint=False),
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.EarlyStopping("val_loss", patience=config.patience),
            keras.callbacks.ModelCheckpoint(
                run.model_path,
                monitor="val_accuracy",
                save_best_only=True,
                initial_value_threshold=max(accuracies, default=None),
            ),
            keras.callbacks.CSVLogger(run.history_path, append=True),
        ],
    )


def augmentation(config: TrainingConfig) -> Any:
    """Random flips, zooms and shifts of a batch of pixels; new borders repeat the old ones."""
    layers = [
        keras.layers.RandomTranslation(
            config.shift, config.shift, fill_mode="nearest", seed=config.seed + 1
        ),
        keras.layers.RandomZoom(
            (-config.zoom_in, config.zoom_out), fill_mode="nearest", seed=config.seed + 2
        ),
    ]
    if config.flip:
        layers.append(keras.layers.RandomFlip("horizontal", seed=config.seed))

    def augment(pixels: Any) -> Any:
        for layer in layers:
            pixels = layer(pixels, training=True)
        return pixels

    return augment


def _finish(run: Run, config: TrainingConfig, validation: LabelledPictures) -> Result:
    if not run.model_path.is_file():
        raise RunError(f"{run.folder}: no epoch ended with a usable model; try a lower rate.")
    model = keras.models.load_model(run.model_path, compile=False)
    batches = stream(validation, config.image_size, config.batch_size)
    probabilities = model.predict(batches, verbose=_verbose())
    right = probabilities[np.arange(len(validation)), validation.labels]
    weights, head = Path(config.weights), run.head()
    result = Result(
        head_accuracy=head.validation_accuracy if head else None,
        validation_accuracy=float((probabilities.argmax(1) == validation.labels).mean()),
        validation_loss=float(-np.log(np.maximum(right, 1e-12)).mean()),
        epochs=len(run.epoch_accuracies()),
        weights_sha256=file_sha256(weights) if weights.is_file() else None,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        toolchain={"tensorflow": tf.__version__} | {name: version(name) for name in TOOLCHAIN},
    )
    run.finish(result)
    return result


def _verbose() -> int:
    """Keras's progress bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2
