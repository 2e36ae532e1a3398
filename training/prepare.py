"""Preparation of a run: read and check everything that it uses before the work starts."""

from dataclasses import dataclass
from pathlib import Path

from training.config import TrainingConfig
from training.data import Dataset, LabelledPictures, content_hash, open_dataset
from training.errors import ConfigError, RunError
from training.labels import (
    Softened,
    doubtful_labels,
    soft_targets,
    softened_sha256,
    without_label_errors,
)
from training.refit import Original, open_original, refit_pictures
from training.run.folder import Split, file_sha256, resolve, validation_source
from training.selection import check_pictures, choose_pictures
from training.teachers import check_teachers
from training.unlabeled import joined, read_unlabeled


@dataclass(frozen=True)
class RunPictures:
    """Pictures of a run.

    Attributes:
        fitting: for the head.
        head_validation: choose the head.
        all_layers: for all layers, including unlabeled ones and those that a refit adds.
        validation: choose the epoch. A refit only reports on them.
        softened: targets of likely label errors.
    """

    fitting: LabelledPictures
    head_validation: LabelledPictures
    all_layers: LabelledPictures
    validation: LabelledPictures
    softened: Softened


@dataclass(frozen=True)
class Prepared:
    """A run that can start.

    Attributes:
        split: the record of its pictures and teachers.
        pictures: the pictures.
        original: the run that it repeats; None if it is not a refit.
    """

    split: Split
    pictures: RunPictures
    original: Original | None


def prepare(data: Path, config: TrainingConfig, exclude: Path | None) -> Prepared:
    """Read and check the pictures of a run, its teachers, and the run that it repeats.

    Raises:
        ConfigError: options that contradict each other.
        DataError: the pictures or the audit cannot be used.
        RunError: a teacher, or the run to repeat, cannot be used.
    """
    original = open_original(config)
    dataset = open_dataset(data)
    for line in dataset.remarks():
        print(line)
    name = data.resolve().name
    if original is not None:
        return _prepare_refit(name, dataset, config, original, exclude)
    fitting, validation, excluded = choose_pictures(dataset, config, exclude)
    doubtful = doubtful_labels(config, exclude, dataset.train)
    if config.label_errors == "exclude":
        fitting = without_label_errors(fitting, doubtful)
    softened = soft_targets(config, fitting, doubtful)
    teachers = check_teachers(config, name, fitting.classes, _names(validation))
    content = check_pictures(dataset, fitting, validation, audited=exclude is not None)
    split = Split(
        dataset=name,
        dataset_sha256=content.sha256,
        classes=fitting.classes,
        train=_names(fitting),
        validation=_names(validation),
        excluded=excluded,
        audit_sha256=file_sha256(exclude) if exclude else None,
        validation_part=dataset.validation is not None,
        teachers=teachers,
        softened_sha256=softened_sha256(softened),
    )
    split, all_layers = _add_unlabeled(split, fitting, config, content.evaluated)
    return Prepared(split, RunPictures(fitting, validation, all_layers, validation, softened), None)


def _prepare_refit(
    name: str,
    dataset: Dataset,
    config: TrainingConfig,
    original: Original,
    exclude: Path | None,
) -> Prepared:
    if exclude is not None and config.label_errors != "soften":
        raise ConfigError(
            f"A refit uses the pictures of {original.run.folder}, without those that an audit "
            "listed then. Leave out --exclude."
        )
    begun = original.run.split()
    pictures = refit_pictures(begun, dataset, config)
    held_back = _names(pictures.held_back)
    teachers = check_teachers(config, name, begun.classes, held_back)
    validation = resolve(validation_source(begun, dataset), begun.validation)
    content = check_pictures(
        dataset, pictures.fitting, validation, audited=begun.audit_sha256 is not None
    )
    if content.sha256 != begun.dataset_sha256:
        raise RunError(
            f"The pictures are not those of {original.run.folder}: some were changed. Restore "
            "them, or train again without --refit."
        )
    doubtful = doubtful_labels(config, exclude, dataset.train)
    softened = soft_targets(config, pictures.fitting, doubtful)
    if softened_sha256(softened) != begun.softened_sha256:
        raise RunError(
            f"{exclude} softens other label errors than the audit of {original.run.folder}. Pass "
            "the same audit with --exclude."
        )
    fitting = joined(pictures.fitting, pictures.added)
    split = begun.model_copy(
        update={"validation": held_back, "refitted": _names(pictures.added), "teachers": teachers}
    )
    split, all_layers = _add_unlabeled(split, fitting, config, content.evaluated)
    print(
        f"Refit: {original.epochs} epochs on {len(fitting):,} pictures; {len(held_back):,} "
        "validation pictures are held back."
    )
    return Prepared(
        split,
        RunPictures(pictures.fitting, pictures.added, all_layers, pictures.held_back, softened),
        original,
    )


def _add_unlabeled(
    split: Split, fitting: LabelledPictures, config: TrainingConfig, evaluated: frozenset[str]
) -> tuple[Split, LabelledPictures]:
    """Add the unlabeled pictures, if any, to the record and to the pictures."""
    if config.unlabeled is None:
        return split, fitting
    unlabeled = read_unlabeled(Path(config.unlabeled), fitting.classes, evaluated)
    added = {"unlabeled": len(unlabeled), "unlabeled_sha256": content_hash(unlabeled)}
    return split.model_copy(update=added), joined(fitting, unlabeled)


def _names(pictures: LabelledPictures) -> tuple[str, ...]:
    return tuple(path.as_posix() for path in pictures.paths)
