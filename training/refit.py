"""Refit: repeat a finished run on its training and validation pictures together.

The first run chose the number of epochs, the temperature and the threshold on validation pictures
that it had not learned. The refit takes them over. It holds a share of the validation pictures
back, which it does not learn either: conversion compares the models on them.
"""

from dataclasses import dataclass
from pathlib import Path

from training.config import TrainingConfig
from training.data import Dataset, LabelledPictures, split
from training.errors import ConfigError, DataError, RunError
from training.run.folder import RefitOf, Run, Split, file_sha256, resolve, validation_source


@dataclass(frozen=True)
class Original:
    """The finished run that a refit repeats.

    Attributes:
        epochs: number of epochs of all layers after which its model was kept.
        rates: learning rate of each of these epochs. Only a run from random weights needs them,
            because it lowered its rate by validation.
    """

    run: Run
    epochs: int
    rates: tuple[float, ...]

    def record(self) -> RefitOf:
        """The record of this run in the result of its refit."""
        result = self.run.result()
        return RefitOf(
            run=self.run.folder.resolve().name,
            model_sha256=file_sha256(self.run.model_path),
            validation_accuracy=result.validation_accuracy,
        )


@dataclass(frozen=True)
class RefitPictures:
    """Pictures of a refit.

    Attributes:
        fitting: training pictures of the first run.
        added: its validation pictures that are learned too.
        held_back: its validation pictures that are not learned.
    """

    fitting: LabelledPictures
    added: LabelledPictures
    held_back: LabelledPictures


def refit_config(folder: Path) -> TrainingConfig:
    """The configuration of a refit of the run in `folder`.

    Raises:
        RunError: the run is unfinished or damaged, or is a refit itself.
    """
    run = Run(folder)
    if not run.finished:
        state = "the run is unfinished: continue it with --resume" if run.begun else "no run"
        raise RunError(f"{folder}: {state}, or pass another run with --refit.")
    config = run.config()
    if config.refit is not None:
        raise RunError(f"{folder} is a refit itself. Pass the run that it repeats: {config.refit}.")
    return config.model_copy(update={"refit": str(folder)})


def open_original(config: TrainingConfig) -> Original | None:
    """Read the run that `config` repeats; None if it repeats none.

    Raises:
        ConfigError: `config` differs from the configuration of that run.
        RunError: that run cannot be repeated.
    """
    if config.refit is None:
        return None
    folder = Path(config.refit)
    if refit_config(folder) != config:
        raise ConfigError(
            f"The refit of {folder} has other options than that run. Leave them out: --refit "
            "repeats all of them."
        )
    run = Run(folder)
    epochs = [epoch for epoch in run.epochs() if epoch.phase == "all"]
    head = run.head_accuracy()
    best = max(epochs, key=lambda epoch: epoch.val_accuracy, default=None)
    if best is None or (head is not None and best.val_accuracy <= head):
        raise RunError(
            f"{folder} kept the head on the frozen backbone, so there are no epochs to repeat. "
            "Pass a run in which training all layers helped."
        )
    count = epochs.index(best) + 1
    rates = (config.learning_rate, *(epoch.learning_rate for epoch in epochs))[:count]
    return Original(run, count, rates)


def refit_pictures(original: Split, dataset: Dataset, config: TrainingConfig) -> RefitPictures:
    """Divide the validation pictures of the first run into those to learn and those to hold back.

    A share of `config.validation_fraction` is held back, stratified by class.

    Raises:
        DataError: a class has too few validation pictures for both.
        RunError: pictures of the first run are missing.
    """
    validation = resolve(validation_source(original, dataset), original.validation)
    try:
        added, held_back = split(validation, config.validation_fraction, config.seed)
    except DataError as error:
        raise DataError(
            "A refit holds pictures back for the gate of the conversion, but there are too few. "
            f"Use the run without a refit, or more pictures. ({error})"
        ) from error
    return RefitPictures(resolve(dataset.train, original.train), added, held_back)
