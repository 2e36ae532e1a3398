"""A complete run: check the pictures, train, evaluate, write the report."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from training.augmentation import samples
from training.batches import stream
from training.calibration import Calibration, Floats
from training.config import TrainingConfig
from training.data import (
    LabelledPictures,
    file_hashes,
    open_dataset,
    read_picture,
)
from training.distribution import choose_strategy
from training.errors import ConfigError, DataError
from training.fit import begin, fit
from training.layout import composed
from training.metrics import ReportMetrics
from training.networks.build import check_network
from training.prepare import prepare
from training.report.picture_grids import Pixels
from training.report.report import EvaluatedPart, check_destination, write_report
from training.run.folder import Result, Run, resolve, validation_source
from training.run.load import open_network

SHOWN = 8  # pictures whose augmentation the report shows


def train(
    data: Path,
    folder: Path,
    config: TrainingConfig,
    *,
    resume: bool = False,
    exclude: Path | None = None,
    tensorboard: bool = False,
) -> Result:
    """Train on `data`, and write model, configuration, history, split and report to `folder`.

    Args:
        data: contains one folder per class; or `train` and optionally `valid` and `test`, each with
            one folder per class.
        folder: the new run folder, or an interrupted run with `resume`.
        config: the hyperparameters.
        resume: whether to continue an interrupted run.
        exclude: the JSON of an audit; the files that it lists are left out. Not for a refit, which
            has the pictures of the run that it repeats.
        tensorboard: whether to write TensorBoard logs.

    Raises:
        CalibrationError: training diverged.
        ConfigError: options that contradict each other.
        DataError: the pictures or the audit cannot be used.
        OSError: `folder` cannot be written.
        RunError: `folder`, a teacher or the run to repeat cannot be used, or the disk is full.
        WeightsError: the weights cannot be used.
    """
    strategy = choose_strategy()  # TensorFlow requires it before any other operation
    if config.batch_size % strategy.num_replicas_in_sync:
        raise ConfigError(
            f"A batch of {config.batch_size} pictures cannot be divided among "
            f"{strategy.num_replicas_in_sync} devices. Choose a --batch-size that is a multiple."
        )
    check_network(config)
    run = Run(folder)
    if not resume:
        run.check_new()
    prepared = prepare(data, config, exclude)
    if resume:
        run.check_resumable(config, prepared.split)
    model = begin(config, len(prepared.split.classes))
    with tempfile.TemporaryDirectory() as scratch:
        if not strategy.extended.should_checkpoint:  # only one of several workers keeps the run
            own = Path(scratch, "run")
            if resume:
                shutil.copytree(folder, own)
            run = Run(own)
        if not resume:
            run.create(config, prepared.split, model.count_params())
        logits, result = fit(
            model,
            prepared.pictures,
            config,
            run,
            strategy,
            original=prepared.original,
            tensorboard=tensorboard,
        )
        _report(run, "validation", prepared.pictures.validation, logits, result.calibration)
        run.finish(result)  # last: a run that is killed before can be resumed
        return result


def report(run: Run, data: Path, part: EvaluatedPart) -> ReportMetrics:
    """Evaluate a finished run on a part of `data`, and write `report/` or `report-test/`.

    Raises:
        DataError: `data` has no such part, or its pictures cannot be used.
        RunError: the run is not finished, its model cannot be read, or its pictures are not in
            `data`.
    """
    calibration = run.calibration()
    check_destination(_report_folder(run, part))
    dataset = open_dataset(data)
    test = dataset.test
    if part == "validation":
        pictures = resolve(validation_source(run.split(), dataset), run.split().validation)
    elif test is None:
        raise DataError(
            f"{data} has no test pictures. Add a test folder, or use --part validation."
        )
    elif test.classes != composed(run.split().classes):
        raise DataError(
            f"{data} has the classes {', '.join(test.classes)}, but the run was trained on "
            f"{', '.join(run.split().classes)}. Pass the data folder of the run."
        )
    else:
        pictures = test
    file_hashes(pictures)  # reports unreadable files before the work starts
    model, config = open_network(run), run.config()
    batches = stream(pictures, config.image_size, config.batch_size)
    logits = np.asarray(model.predict(batches, verbose=0))
    return _report(run, part, pictures, logits, calibration)


def _report_folder(run: Run, part: EvaluatedPart) -> Path:
    return run.folder / ("report" if part == "validation" else f"report-{part}")


def _report(
    run: Run,
    part: EvaluatedPart,
    pictures: LabelledPictures,
    logits: Floats,
    calibration: Calibration,
) -> ReportMetrics:
    return write_report(
        _report_folder(run, part),
        pictures=pictures,
        logits=logits,
        calibration=calibration,
        part=part,
        history=run.history_path,
        config=run.config(),
        augmented=_augmented(pictures, run.config()),
    )


def _augmented(pictures: LabelledPictures, config: TrainingConfig) -> tuple[Pixels, Pixels] | None:
    """One picture per class, and augmented versions of each; None without augmentation."""
    if config.augmentation == "none":
        return None
    first = np.unique(pictures.labels, return_index=True)[1][:SHOWN]
    paths = [pictures.root / pictures.paths[i] for i in first]
    originals = np.stack([read_picture(path, config.image_size) for path in paths])
    return originals, samples(originals, config.augmentation, flip=config.flip, mixup=config.mixup)
