"""Selection of a run's pictures: split, exclusions, and checks."""

from dataclasses import dataclass
from pathlib import Path

from training.audit.findings import read_exclusions
from training.config import TrainingConfig
from training.data import (
    Dataset,
    LabelledPictures,
    content_hash,
    dataset_hash,
    file_hashes,
    split,
)
from training.errors import DataError


@dataclass(frozen=True)
class Content:
    """Hashes of a run's pictures.

    Attributes:
        sha256: hash of the training and validation pictures, as in `Split`.
        evaluated: SHA-256 (hex) of every validation and test picture.
    """

    sha256: str
    evaluated: frozenset[str]


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
        seed = config.seed if config.split_seed is None else config.split_seed
        fitting, validation = split(dataset.train, config.validation_fraction, seed)
        if from_train:
            check_exclusions(from_train, dataset.train, fitting, validation)
        return fitting.without(from_train), validation.without(from_train), excluded
    fitting, validation = dataset.train, dataset.validation
    check_listed(from_train, fitting)
    check_remaining(from_train, fitting, "training part")
    check_listed(from_validation, validation)
    check_remaining(from_validation, validation, "validation part")
    return fitting.without(from_train), validation.without(from_validation), excluded


def check_pictures(
    dataset: Dataset,
    fitting: LabelledPictures,
    validation: LabelledPictures,
    *,
    audited: bool,
) -> Content:
    """Check that all pictures decode, and report training pictures that are in another part too.

    Args:
        dataset: the data set.
        fitting: the pictures to train on.
        validation: the validation pictures.
        audited: whether the files that an audit lists were left out.

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
        held_out = frozenset(validation.paths)
        validated = [h for path, h in zip(pictures.paths, hashes, strict=True) if path in held_out]
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
    return Content(content, frozenset(validated) | frozenset(tested or ()))


def check_exclusions(
    excluded: frozenset[str],
    pictures: LabelledPictures,
    fitting: LabelledPictures,
    validation: LabelledPictures,
) -> None:
    """Raise `DataError` if `pictures` lacks a file, or a part would lose all of a class."""
    check_listed(excluded, pictures)
    check_remaining(excluded, fitting, "training split")
    check_remaining(excluded, validation, "validation split")


def check_listed(excluded: frozenset[str], pictures: LabelledPictures) -> None:
    """Raise `DataError` if `pictures` lacks a file that an audit lists."""
    if unknown := excluded - {path.as_posix() for path in pictures.paths}:
        raise DataError(
            f"{len(unknown)} of the files to exclude are not in {pictures.root}, "
            f"first {min(unknown)}. Pass an audit of the same pictures."
        )


def check_remaining(excluded: frozenset[str], part: LabelledPictures, split_name: str) -> None:
    """Raise `DataError` if `part` would lose all pictures of a class."""
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
