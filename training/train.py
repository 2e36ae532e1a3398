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
    Dataset,
    LabelledPictures,
    content_hash,
    dataset_hash,
    file_hashes,
    open_dataset,
    read_picture,
    split,
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
    dataset = open_dataset(data)
    for line in dataset.remarks():
        print(line)
    fitting, validation, excluded = choose_pictures(dataset, config, exclude)
    content = check_pictures(dataset, fitting, validation, audited=exclude is not None)
    record = Split(
        dataset=data.resolve().name,
        dataset_sha256=content,
        classes=fitting.classes,
        train=tuple(p.as_posix() for p in fitting.paths),
        validation=tuple(p.as_posix() for p in validation.paths),
        excluded=excluded,
        audit_sha256=file_sha256(exclude) if exclude else None,
        validation_part=dataset.validation is not None,
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


def choose_pictures(
    dataset: Dataset, config: TrainingConfig, exclude: Path | None
) -> tuple[LabelledPictures, LabelledPictures, int]:
    """Choose the pictures to train on and those for validation.

    A data set without a validation part is split before files are excluded, so that the split does
    not depend on the audit.

    Args:
        dataset: the data set.
        config: its validation fraction is used if the data set has no validation part.
        exclude: the JSON of an audit; None to exclude nothing.

    Returns:
        The training pictures, the validation pictures, and the number of excluded files.

    Raises:
        DataError: the pictures or the audit cannot be used.
    """
    from_train = read_exclusions(exclude) if exclude else frozenset()
    from_validation = read_exclusions(exclude, "validation") if exclude else frozenset()
    excluded = len(from_train) + len(from_validation)
    if dataset.validation is None:
        if from_validation:
            raise DataError(
                f"{exclude} lists files of a validation part, but the data set has none. "
                "Pass an audit of the same pictures."
            )
        fitting, validation = split(dataset.train, config.validation_fraction, config.seed)
        if from_train:
            check_exclusions(from_train, dataset.train, fitting, validation)
        return fitting.without(from_train), validation.without(from_train), excluded
    fitting, validation = dataset.train, dataset.validation
    _check_listed(from_train, fitting)
    _check_remaining(from_train, fitting, "training part")
    _check_listed(from_validation, validation)
    _check_remaining(from_validation, validation, "validation part")
    return fitting.without(from_train), validation.without(from_validation), excluded


def check_pictures(
    dataset: Dataset,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    *,
    audited: bool,
) -> str:
    """Check that all pictures decode, and report training pictures that are in another part too.

    Args:
        dataset: the data set.
        fitting: the pictures to train on.
        validation: the validation pictures.
        audited: whether the files that an audit lists were left out.

    Returns:
        The hash of the training and validation pictures, as in `Split`.

    Raises:
        DataError: lists the files that cannot be read or decoded.
    """
    count = len(fitting) + len(validation)
    print(f"Checking {count} pictures of {len(fitting.classes)} classes …", flush=True)
    tested = file_hashes(dataset.test) if dataset.test else None
    if dataset.validation is None:
        names = {path.as_posix() for path in (*fitting.paths, *validation.paths)}
        pictures = dataset.train.only(names)  # in the folder's order, on which the hash depends
        hashes = file_hashes(pictures)
        content = content_hash(pictures, hashes)
    else:
        pictures, hashes = fitting, file_hashes(fitting)
        validated = file_hashes(validation)
        content = dataset_hash(content_hash(fitting, hashes), content_hash(validation, validated))
        print(
            f"Validation: {len(validation):,} pictures of {validation.root}. "
            "The validation fraction is not used."
        )
        report_leakage(pictures, hashes, validated, "validation", audited=audited)
    if tested is not None:
        report_leakage(pictures, hashes, tested, "test", audited=audited)
    return content


def check_exclusions(
    excluded: frozenset[str],
    pictures: LabelledPictures,
    fitting: LabelledPictures,
    validation: LabelledPictures,
) -> None:
    """Raise `DataError` if `pictures` lacks a file, or a part would lose all of a class."""
    _check_listed(excluded, pictures)
    _check_remaining(excluded, fitting, "training split")
    _check_remaining(excluded, validation, "validation split")


def _check_listed(excluded: frozenset[str], pictures: LabelledPictures) -> None:
    if unknown := excluded - {path.as_posix() for path in pictures.paths}:
        raise DataError(
            f"{len(unknown)} of the files to exclude are not in {pictures.root}, "
            f"first {min(unknown)}. Pass an audit of the same pictures."
        )


def _check_remaining(excluded: frozenset[str], part: LabelledPictures, split_name: str) -> None:
    remaining = set(part.without(excluded).labels)
    for label, name in enumerate(part.classes):
        if label not in remaining:
            raise DataError(
                f"Excluding these files leaves no pictures of the class {name!r} in the "
                f"{split_name}. Add pictures of this class."
            )


def report_leakage(
    train: LabelledPictures,
    hashes: list[str],
    other: list[str],
    name: str,
    *,
    audited: bool,
) -> None:
    """Print how many training pictures have an exact copy in another part.

    Args:
        train: the training pictures, and the validation pictures if they were set aside from them.
        hashes: their `file_hashes`.
        other: the `file_hashes` of the other part.
        name: the name of the other part: "validation" or "test".
        audited: whether the files that an audit lists were left out.
    """
    leaked = set(hashes) & set(other)
    message = f"No training picture has an exact copy in the {name} set."
    if leaked:
        first = train.paths[next(i for i, h in enumerate(hashes) if h in leaked)]
        message = (
            f"warning: {len(leaked)} training pictures have an exact copy in the {name} set, "
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
