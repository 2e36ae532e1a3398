"""Add collected corrections to a data set."""

import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import track

from lambda_api.collection.store import FolderStore, Store
from training.audit.examine import CONSOLE, exclusions, find_duplicates, relation
from training.audit.files import File, Picture, inspect_all, list_files
from training.collected.corrections import (
    NONE,
    Correction,
    read_collected_picture,
    read_corrections,
)
from training.layout import class_folders, find_layout

STAGING = ".collected.partial"  # hidden, so that no other command reads it


@dataclass
class Report:
    """Outcome of `collect`.

    Attributes:
        records: number of records of feedback.
        foreign: number of objects in the store that the service did not write.
        added: number of pictures that were added, by class.
        confirmed: number of added pictures whose prediction was right.
        others: number of pictures of no class that were added to the folder for others.
        present: number of pictures that an earlier run has added.
        left_out: reason for each picture that was left out, by its file name in the store.
    """

    records: int = 0
    foreign: int = 0
    added: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0
    others: int = 0
    present: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def collect(store: Store, data: Path, others: Path | None = None) -> Report:
    """Add the corrected pictures of a store to the training part of a data set.

    A picture is added as `<class>/collected-<SHA-256>.<suffix>`, never over an existing file. It is
    left out if

    - its corrections name several labels, or a label that is not a class of the data set
    - the audit finds it, or nearly the same picture, in the data set already: with the same label
      (a copy), with another one (a contradiction), or in the validation or test part (a leak)
    - it has expired, was altered, or cannot be decoded

    An interrupted call leaves complete pictures only. The next call continues.

    Args:
        store: what the service has collected.
        data: the data set.
        others: folder for pictures of none of the classes; None leaves them out.

    Raises:
        DataError: the store or the data set cannot be read.
        OSError: the data set cannot be written.
    """
    listing = list_files(data)
    folders = {
        name: folder.path
        for name, folder in class_folders(find_layout(data).parts["train"]).items()
    }
    found = read_corrections(store)
    report = Report(found.records, found.foreign)
    before = {file.path.name: file.name for file in listing.pictures}
    chosen: dict[str, Correction] = {}
    for correction in found.all:
        if reason := _unusable(correction, folders, before, others):
            report.left_out[correction.picture] = reason
        elif correction.file in before:
            report.present += 1
        else:
            chosen[correction.file] = correction
    staging = data / STAGING
    staged = _stage(store, staging, chosen, report)
    labeled = tuple(file for file in staged if file.label)
    accepted = _accepted(listing.pictures, labeled, report) if labeled else []
    for file in accepted:
        _move(file.path, folders[file.label])
        report.added[file.label] += 1
        report.confirmed += file.label in chosen[file.path.name].predicted
    for file in staged:
        if not file.label and others is not None:
            others.mkdir(parents=True, exist_ok=True)
            moved = _move(file.path, others)
            report.others += moved
            report.present += not moved
    shutil.rmtree(staging, ignore_errors=True)
    return report


def _unusable(
    correction: Correction, classes: Collection[str], before: Mapping[str, str], others: Path | None
) -> str:
    """Return why a correction cannot be used, an empty text if it can."""
    if len(correction.labels) > 1:
        names = ", ".join(sorted(label or NONE for label in correction.labels))
        reason = f"contradictory labels: {names}"
        if file := before.get(correction.file):
            reason += f"; an earlier run added it as {file}, remove it if that is wrong"
        return reason
    (label,) = correction.labels
    if label is None:
        return "" if others else f"labeled {NONE}, and no --others FOLDER for such pictures"
    return "" if label in classes else f"the data set has no class {label!r}"


def _stage(
    store: Store, staging: Path, chosen: Mapping[str, Correction], report: Report
) -> list[File]:
    """Copy the pictures to the data set's disk. The label of a picture of no class is empty."""
    folder, staged = FolderStore(staging), []
    for name, correction in track(
        chosen.items(), "Copying the pictures", console=CONSOLE, total=len(chosen)
    ):
        path = staging / name
        if not path.exists():  # otherwise it is from an interrupted run
            data = read_collected_picture(store, correction.picture)
            if isinstance(data, str):
                report.left_out[correction.picture] = data
                continue
            folder.write(name, data)
        (label,) = correction.labels
        staged.append(File(path, correction.picture, name, "train", label or ""))
    return staged


def _accepted(present: tuple[File, ...], staged: tuple[File, ...], report: Report) -> list[File]:
    """Return the staged files that are readable and new, as the audit finds them."""
    files = present + staged
    pictures: list[Picture] = []
    accepted = {file.path: file for file in staged}

    def leave_out(file: File, reason: str) -> None:
        if accepted.pop(file.path, None):
            report.left_out[file.name] = reason

    for inspected in track(
        inspect_all(files), "Reading the pictures", total=len(files), console=CONSOLE
    ):
        if isinstance(inspected, Picture):
            pictures.append(inspected)
        else:
            leave_out(inspected.file, inspected.reason)
    ours = {file.path for file in staged}
    for group in find_duplicates(pictures):
        wrong = {each.path: each for each in exclusions(group) if each.cause != "copy"}
        new = [picture for picture in group if picture.file.path in ours]
        old = [picture for picture in group if picture.file.path not in ours]
        kept = max(old or new, key=lambda picture: picture.width * picture.height)
        for picture in new:
            if exclusion := wrong.get(picture.file.within):
                leave_out(picture.file, f"{exclusion.cause}: {exclusion.reason}")
            elif picture is not kept:
                leave_out(picture.file, f"copy: {relation(picture, kept)}")
    return list(accepted.values())


def _move(file: Path, folder: Path) -> bool:
    """Move a complete file into a folder. Returns False if the folder has it already."""
    target = folder / file.name
    if target.exists():  # named by its content
        return False
    shutil.move(file, folder / f".{file.name}.partial")
    (folder / f".{file.name}.partial").replace(target)
    return True
