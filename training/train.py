"""A complete run: check the pictures, train, evaluate, write the report."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from training.audit.findings import read_exclusions
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
    split,
)
from training.distribution import choose_strategy
from training.errors import ConfigError, DataError
from training.fit import begin, fit
from training.metrics import ReportMetrics
from training.networks.build import check_network
from training.report.picture_grids import Pixels
from training.report.report import EvaluatedPart, check_destination, write_report
from training.run.folder import Result, Run, Split, file_sha256, resolve
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
        data: contains one folder per class; or `train` and optionally `test`, each with one folder
            per class.
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
        RunError: `folder` cannot be used, or its disk is full.
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
    pictures, test = open_dataset(data)
    fitting, validation = split(pictures, config.validation_fraction, config.seed)
    excluded = read_exclusions(exclude) if exclude else frozenset()
    if excluded:  # after splitting, so that the split does not depend on the audit
        check_exclusions(excluded, pictures, fitting, validation)
        pictures, fitting, validation = (
            part.without(excluded) for part in (pictures, fitting, validation)
        )
    print(f"Checking {len(pictures)} pictures of {len(pictures.classes)} classes …", flush=True)
    hashes = file_hashes(pictures)
    if test:
        report_leakage(pictures, hashes, test, audited=exclude is not None)
    record = Split(
        dataset=data.resolve().name,
        dataset_sha256=content_hash(pictures, hashes),
        classes=pictures.classes,
        train=tuple(p.as_posix() for p in fitting.paths),
        validation=tuple(p.as_posix() for p in validation.paths),
        excluded=len(excluded),
        audit_sha256=file_sha256(exclude) if exclude else None,
    )
    if resume:
        run.check_resumable(config, record)
    model = begin(config, len(pictures.classes))
    with tempfile.TemporaryDirectory() as scratch:
        if not strategy.extended.should_checkpoint:  # only one of several workers keeps the run
            own = Path(scratch, "run")
            if resume:
                shutil.copytree(folder, own)
            run = Run(own)
        if not resume:
            run.create(config, record, model.count_params())
        logits, result = fit(
            model, fitting, validation, config, run, strategy, tensorboard=tensorboard
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
    train, test = open_dataset(data)
    if part == "validation":
        pictures = resolve(train, run.split().validation)
    elif test is None:
        raise DataError(
            f"{data} has no test pictures. Add a test folder, or use --part validation."
        )
    elif test.classes != run.split().classes:
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


def check_exclusions(
    excluded: frozenset[str],
    pictures: LabelledPictures,
    fitting: LabelledPictures,
    validation: LabelledPictures,
) -> None:
    """Raise `DataError` if `pictures` lacks a file, or a part would lose all of a class."""
    if unknown := excluded - {path.as_posix() for path in pictures.paths}:
        raise DataError(
            f"{len(unknown)} of the files to exclude are not in {pictures.root}, "
            f"first {min(unknown)}. Pass an audit of the same pictures."
        )
    for part, split_name in zip(
        (fitting, validation), ("training split", "validation split"), strict=True
    ):
        remaining = set(part.without(excluded).labels)
        for label, name in enumerate(part.classes):
            if label not in remaining:
                raise DataError(
                    f"Excluding these files leaves no pictures of the class {name!r} in the "
                    f"{split_name}. Add pictures of this class."
                )


def report_leakage(
    train: LabelledPictures, hashes: list[str], test: LabelledPictures, *, audited: bool
) -> None:
    """Print how many training pictures have an exact copy in the test set.

    Args:
        train: the training and validation pictures.
        hashes: their `file_hashes`.
        test: the test pictures.
        audited: whether the files that an audit lists were left out.

    Raises:
        DataError: lists the test pictures that cannot be read or decoded.
    """
    leaked = set(hashes) & set(file_hashes(test))
    message = "No training picture has an exact copy in the test set."
    if leaked:
        first = train.paths[next(i for i, h in enumerate(hashes) if h in leaked)]
        message = (
            f"warning: {len(leaked)} training pictures have an exact copy in the test set, "
            f"first {first}."
        )
    if not audited:
        message += " `python -m training audit` also finds near copies; --exclude leaves them out."
    print(message, flush=True)


def _augmented(pictures: LabelledPictures, config: TrainingConfig) -> tuple[Pixels, Pixels] | None:
    """One picture per class, and augmented versions of each; None without augmentation."""
    if config.augmentation == "none":
        return None
    first = np.unique(pictures.labels, return_index=True)[1][:SHOWN]
    paths = [pictures.root / pictures.paths[i] for i in first]
    originals = np.stack([read_picture(path, config.image_size) for path in paths])
    return originals, samples(originals, config.augmentation, flip=config.flip)
