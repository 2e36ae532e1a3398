"""Examine the files of a data set."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.progress import track

from training.audit import duplicates
from training.audit.files import File, Listing, Picture, Unreadable, inspect_all
from training.audit.findings import Audit, Cause, Count, Exclusion, Faulty, Group, Member, Size
from training.layout import Part

_ORDER: dict[Part, int] = {"test": 0, "validation": 1, "train": 2}  # pictures of the first stay

SAMPLES = 8  # pictures of each class

# Plain text in notebooks too: rich's notebook display needs ipywidgets.
CONSOLE = Console(stderr=True, force_jupyter=False)


def examine(listing: Listing) -> Audit:
    """Read every file of a data set once, with progress on stderr.

    Memory use is a few hundred bytes per picture, and one decoded picture per core.
    """
    pictures: list[Picture] = []
    unreadable: list[Unreadable] = []
    for inspected in track(
        inspect_all(listing.pictures),
        "Reading the pictures",
        total=len(listing.pictures),
        console=CONSOLE,
    ):
        if isinstance(inspected, Picture):
            pictures.append(inspected)
        else:
            unreadable.append(inspected)
    groups = find_duplicates(pictures)
    sizes = Counter((picture.width, picture.height) for picture in pictures)
    counts = _counts(listing, pictures)
    return Audit(
        data=listing.data.resolve().name,
        roots={part: p.relative_to(listing.data).as_posix() for part, p in listing.roots.items()},
        counts=counts,
        formats=dict(Counter(picture.format for picture in pictures).most_common()),
        modes=dict(Counter(picture.mode for picture in pictures).most_common()),
        sizes=tuple(Size(width=w, height=h, pictures=n) for (w, h), n in sizes.most_common()),
        unreadable=tuple(Faulty(path=bad.file.name, reason=bad.reason) for bad in unreadable),
        ignored=listing.others,
        left_out=str(listing.left_out) if listing.left_out else "",
        flat=tuple(picture.file.name for picture in pictures if picture.fingerprint is None),
        groups=tuple(_group(members) for members in groups),
        exclude=_unreadable(unreadable)
        + tuple(e for members in groups for e in exclusions(members)),
        notes=_notes(listing, counts),
        samples=_samples(pictures),
    )


def find_duplicates(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Group exact and near duplicates: two or more each, sorted by part, then by name.

    The test part is first, then validation, then train.

    Pictures of a single color are compared by their pixels only.
    """
    by_pixels: dict[bytes, list[Picture]] = defaultdict(list)
    for picture in pictures:
        by_pixels[picture.pixels].append(picture)
    near: dict[int, list[Picture]] = defaultdict(list)
    distinct = [copies for copies in by_pixels.values() if copies[0].fingerprint is not None]
    fingerprints = np.array([copies[0].fingerprint for copies in distinct], dtype=np.uint64)
    numbers = duplicates.group(
        fingerprints.reshape(-1, 5),
        lambda blocks: track(blocks, "Comparing the pictures", console=CONSOLE),
    )
    for number, copies in zip(numbers.tolist(), distinct, strict=True):
        near[number] += copies
    flat = [copies for copies in by_pixels.values() if copies[0].fingerprint is None]
    groups = [
        sorted(members, key=lambda picture: (_ORDER[picture.file.part], picture.file.name))
        for members in (*near.values(), *flat)
        if len(members) > 1
    ]
    return sorted(groups, key=lambda members: members[0].file.name)


def _group(pictures: list[Picture]) -> Group:
    if len({picture.content for picture in pictures}) == 1:
        kind = "same file"
    elif len({picture.pixels for picture in pictures}) == 1:
        kind = "same pixels"
    else:
        kind = "near"
    members = tuple(
        Member(
            path=picture.file.name,
            part=picture.file.part,
            label=picture.file.label,
            width=picture.width,
            height=picture.height,
            distance=_distance(pictures[0], picture),
        )
        for picture in pictures
    )
    return Group.model_validate({"kind": kind, "members": members})


def _distance(a: Picture, b: Picture) -> int:
    if a.fingerprint is None or b.fingerprint is None:
        return 0  # pictures of a single color are grouped by equal pixels
    return int(duplicates.perceptual_distance(a.fingerprint, b.fingerprint))


def _unreadable(files: list[Unreadable]) -> tuple[Exclusion, ...]:
    return tuple(
        _exclusion(bad.file, "unreadable", bad.reason) for bad in files if bad.file.part != "test"
    )


def exclusions(group: list[Picture]) -> list[Exclusion]:
    """Decide which training and validation pictures of a group to exclude.

    - If the group includes test pictures: all, because the test would include training pictures.
    - If it has several labels: all, because the files do not show which label is right.
    - If it includes pictures of the validation part: all training pictures.
    - Otherwise: all but the largest.
    """
    first_of: dict[str, Picture] = {}
    for picture in group:
        first_of.setdefault(picture.file.label, picture)
    first = group[0]
    kept = max(
        (picture for picture in group if picture.file.part == first.file.part),
        key=lambda picture: picture.width * picture.height,
    )
    exclusions: list[Exclusion] = []
    for picture in (picture for picture in group if picture.file.part != "test"):
        label, part = picture.file.label, picture.file.part
        if first.file.part == "test" or (part != first.file.part and len(first_of) == 1):
            reason = f"{relation(picture, first)} in the {first.file.part} part"
            if first.file.label != label:
                reason += f", labeled {first.file.label}"
            exclusions.append(_exclusion(picture.file, "leak", reason))
        elif len(first_of) > 1:
            other = next(first for name, first in first_of.items() if name != label)
            reason = f"{relation(picture, other)}, labeled {other.file.label}"
            exclusions.append(_exclusion(picture.file, "contradiction", reason))
        elif picture is not kept:
            reason = f"{relation(picture, kept)}, which is kept"
            exclusions.append(_exclusion(picture.file, "copy", reason))
    return exclusions


def _exclusion(file: File, cause: Cause, reason: str) -> Exclusion:
    return Exclusion(path=file.within, cause=cause, reason=reason, part=file.part)


def relation(picture: Picture, other: Picture) -> str:
    """Describe how a duplicate is related to another picture, as the words of a sentence."""
    if picture.content == other.content:
        return f"the same file as {other.file.name}"
    if picture.pixels == other.pixels:
        return f"the same pixels as {other.file.name}"
    return f"nearly the same picture as {other.file.name}"


def _counts(listing: Listing, pictures: list[Picture]) -> tuple[Count, ...]:
    counted = Counter((picture.file.part, picture.file.label) for picture in pictures)
    return tuple(
        Count(part=part, label=label, pictures=counted[part, label])
        for part, labels in listing.classes.items()
        for label in labels
    )


def _notes(listing: Listing, counts: tuple[Count, ...]) -> tuple[str, ...]:
    classes = listing.classes["train"]
    notes = list(listing.notes)
    has_validation = "validation" in listing.classes
    if len(classes) < 2:
        notes.append(f"There is only one class, {classes[0]}. Training needs at least two.")
    for count in counts:
        where = f"The class {count.label} of the {count.part} part"
        if not count.pictures:
            notes.append(f"{where} has no readable pictures. Add some, or remove its folder.")
        elif count.part == "train" and count.pictures == 1 and not has_validation:
            notes.append(f"{where} has one picture, so none can be set aside for validation.")
    for part, labels in listing.classes.items():
        for label in sorted(set(classes) ^ set(labels)):
            here, missing = ("train", part) if label in classes else (part, "train")
            notes.append(f"The class {label} is in the {here} part but not in the {missing} part.")
    return tuple(notes)


def _samples(pictures: list[Picture]) -> dict[str, tuple[str, ...]]:
    """A few training pictures of each class, evenly spread over its folder."""
    names: dict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        if picture.file.part == "train":
            names[picture.file.label].append(picture.file.name)
    return {
        label: tuple(paths[i * len(paths) // SAMPLES] for i in range(SAMPLES))
        if len(paths) > SAMPLES
        else tuple(paths)
        for label, paths in names.items()
    }
