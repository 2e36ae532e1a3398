"""The whole of a run: look at the pictures, train, measure, report."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.audit.findings import read_exclusions
from training.augmentation import samples
from training.batches import stream
from training.calibration import Calibration
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
from training.errors import DataError, RunError
from training.fit import begin, fit
from training.head import Floats
from training.metrics import Metrics
from training.report.report import Part, check_destination, write_report
from training.run.folder import Result, Run, Split, file_sha256, resolve
from training.run.load import open_network

Pixels = npt.NDArray[np.uint8]

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
    """Train on `data` and leave model, configuration, history, split and report in `folder`.

    Args:
        data: one folder a class, or `train` and perhaps `test` with one folder a class each.
        folder: of the run; new, or of an interrupted run where `resume` is said.
        config: all choices.
        resume: whether to go on with an interrupted run.
        exclude: an audit's JSON; what it lists is left out.
        tensorboard: whether to leave TensorBoard's logs.

    Raises:
        DataError: pictures or an audit that cannot be used.
        WeightsError: weights that cannot be used.
        RunError: `folder` holds something else.
    """
    strategy = choose_strategy()  # before anything else that TensorFlow does
    if config.batch_size % strategy.num_replicas_in_sync:
        raise RunError(
            f"A batch of {config.batch_size} cannot be shared by "
            f"{strategy.num_replicas_in_sync} devices; choose a multiple."
        )
    run = Run(folder)
    if not resume:
        run.check_new()
    pictures, test = open_dataset(data)
    fitting, validation = split(pictures, config.validation_fraction, config.seed)
    excluded = read_exclusions(exclude) if exclude else frozenset()
    if excluded:  # after the split, which stays the same
        check_exclusions(excluded, pictures, fitting, validation)
        pictures, fitting, validation = (
            part.without(excluded) for part in (pictures, fitting, validation)
        )
    print(f"{len(pictures)} pictures of {len(pictures.classes)} classes: reading them once …")
    hashes = file_hashes(pictures)
    if test:
        warn_of_leakage(pictures, hashes, test, audited=exclude is not None)
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
    with tempfile.TemporaryDirectory() as elsewhere:
        if not strategy.extended.should_checkpoint:  # of several workers one keeps the run
            own = Path(elsewhere, "run")
            if resume:
                shutil.copytree(folder, own)
            run = Run(own)
        if not resume:
            run.create(config, record, model.count_params())
        logits, result = fit(
            model, fitting, validation, config, run, strategy, tensorboard=tensorboard
        )
        _report(run, "validation", validation, logits, result.calibration)
        run.finish(result)  # last: what was killed before goes on by `resume`
        return result


def report(run: Run, data: Path, part: Part) -> Metrics:
    """Measure a finished run on a part of `data` and write `report` or, of test, `report-test`.

    Raises:
        DataError: no such part, or pictures that cannot be used.
        RunError: the run is not finished, its model cannot be read, or its pictures are not in
            `data`.
    """
    calibration = run.calibration()
    check_destination(_report_folder(run, part))
    train, test = open_dataset(data)
    if part == "validation":
        pictures = resolve(train, run.split().validation)
    elif test is None:
        raise DataError(f"{data}: has no test pictures.")
    elif test.classes != run.split().classes:
        raise DataError(f"{data}: its classes are not those of the run.")
    else:
        pictures = test
    file_hashes(pictures)  # names what cannot be read
    model, config = open_network(run), run.config()
    batches = stream(pictures, config.image_size, config.batch_size)
    logits = np.asarray(model.predict(batches, verbose=0))
    return _report(run, part, pictures, logits, calibration)


def _report_folder(run: Run, part: Part) -> Path:
    return run.folder / ("report" if part == "validation" else f"report-{part}")


def _report(
    run: Run, part: Part, pictures: LabelledPictures, logits: Floats, calibration: Calibration
) -> Metrics:
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


def check_exclusions(excluded: frozenset[str], *parts: LabelledPictures) -> None:
    """Raise `DataError` where the first part has no such file, or no part of a class is left."""
    if unknown := excluded - {path.as_posix() for path in parts[0].paths}:
        raise DataError(
            f"{len(unknown)} of the files to leave out are not in {parts[0].root}, "
            f"first {min(unknown)}. Is it an audit of other pictures?"
        )
    for part in parts:
        left = set(part.without(excluded).labels)
        for label, name in enumerate(part.classes):
            if label not in left:
                raise DataError(f"Too few pictures of the class {name!r} are not excluded.")


def warn_of_leakage(
    train: LabelledPictures, hashes: list[str], test: LabelledPictures, *, audited: bool
) -> None:
    """Say how many training pictures are, byte for byte, in the test set too; an audit sees more.

    Args:
        train: the pictures to train on.
        hashes: what `file_hashes` says of them.
        test: those set aside.
        audited: whether what an audit lists was left out.
    """
    leaked = set(hashes) & set(file_hashes(test))
    said = "No training picture is, byte for byte, in the test set."
    if leaked:
        first = train.paths[next(i for i, h in enumerate(hashes) if h in leaked)]
        said = (
            f"warning: {len(leaked)} training pictures are, byte for byte, in the test set too, "
            f"first {first}."
        )
    if not audited:
        said += " `python -m training audit` finds near copies too, --exclude leaves them out."
    print(said, flush=True)


def _augmented(pictures: LabelledPictures, config: TrainingConfig) -> tuple[Pixels, Pixels] | None:
    """One picture a class, and what training may make of each."""
    if config.augmentation == "none":
        return None
    first = np.unique(pictures.labels, return_index=True)[1][:SHOWN]
    paths = [pictures.root / pictures.paths[i] for i in first]
    originals = np.stack([read_picture(path, config.image_size) for path in paths])
    return originals, samples(originals, config.augmentation, flip=config.flip)
