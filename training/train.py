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
    content_hash,
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
from training.report.picture_grids import Pixels
from training.report.report import EvaluatedPart, check_destination, write_report
from training.run.folder import Result, Run, Split, file_sha256, resolve, validation_source
from training.run.load import open_network
from training.selection import check_pictures, choose_pictures
from training.teachers import check_teachers
from training.unlabeled import read_unlabeled

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
        exclude: the JSON of an audit; the files that it lists are left out.
        tensorboard: whether to write TensorBoard logs.

    Raises:
        CalibrationError: training diverged.
        ConfigError: options that contradict each other.
        DataError: the pictures or the audit cannot be used.
        OSError: `folder` cannot be written.
        RunError: `folder` or a teacher cannot be used, or the disk is full.
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
    dataset = open_dataset(data)
    for line in dataset.remarks():
        print(line)
    fitting, validation, excluded = choose_pictures(dataset, config, exclude)
    name = data.resolve().name
    validated = tuple(p.as_posix() for p in validation.paths)
    teachers = check_teachers(config, name, fitting.classes, validated)
    content = check_pictures(dataset, fitting, validation, audited=exclude is not None)
    unlabeled = None
    if config.unlabeled is not None:
        unlabeled = read_unlabeled(Path(config.unlabeled), fitting.classes, content.evaluated)
    record = Split(
        dataset=name,
        dataset_sha256=content.sha256,
        classes=fitting.classes,
        train=tuple(p.as_posix() for p in fitting.paths),
        validation=validated,
        excluded=excluded,
        audit_sha256=file_sha256(exclude) if exclude else None,
        validation_part=dataset.validation is not None,
        unlabeled=len(unlabeled) if unlabeled else 0,
        unlabeled_sha256=content_hash(unlabeled) if unlabeled else None,
        teachers=teachers,
    )
    if resume:
        run.check_resumable(config, record)
    model = begin(config, len(fitting.classes))
    with tempfile.TemporaryDirectory() as scratch:
        if not strategy.extended.should_checkpoint:  # only one of several workers keeps the run
            own = Path(scratch, "run")
            if resume:
                shutil.copytree(folder, own)
            run = Run(own)
        if not resume:
            run.create(config, record, model.count_params())
        logits, result = fit(
            model,
            fitting,
            validation,
            config,
            run,
            strategy,
            unlabeled=unlabeled,
            tensorboard=tensorboard,
        )
        _report(run, "validation", validation, logits, result.calibration)
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
