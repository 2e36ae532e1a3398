"""Layout of a data set: which folders are its parts, and which are its classes."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lambda_api.images.files import Folder, LeftOut, scan
from training.errors import DataError
from training.part_names import FILLERS, Role, roles_of

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Layout:
    """Parts of a data set.

    Attributes:
        root: the data set's folder.
        parts: for each part, the folder that contains its class folders. Without parts, "train"
            contains all classes.
        named: whether the data set has folders for its parts.
        read: all folders that were read, each for itself.
        notes: remarks for the user, in sentences.
    """

    root: Path
    parts: dict[Part, Folder]
    named: bool
    read: tuple[Folder, ...]
    notes: tuple[str, ...] = ()

    def left_out(self) -> LeftOut:
        """Count the files that were left out of the folders that were read."""
        classes = {f.path for part in self.parts.values() for c in part.folders for f in c.walk()}
        left_out = LeftOut()
        for folder in self.read:
            left_out.count(folder)
            if folder.path not in classes:
                left_out.unlabeled += len(folder.pictures)
        return left_out

    def others(self) -> list[Path]:
        """The files that are not pictures, sorted."""
        return sorted(path for folder in self.read for path in folder.others)


def composed(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in Unicode's composed form (NFC), in which they are compared.

    macOS writes folder names in the decomposed form, most other systems in the composed one.
    """
    return tuple(unicodedata.normalize("NFC", name) for name in names)


def class_name(folder: Folder) -> str:
    """The name of a class: that of its folder, composed."""
    return composed([folder.name])[0]


def class_folders(part: Folder) -> dict[str, Folder]:
    """The class folders of a part by class name, sorted by name.

    Raises:
        DataError: two folders have names that differ in their Unicode form only.
    """
    folders: dict[str, Folder] = {}
    for folder in part.folders:
        name = class_name(folder)
        if name in folders:
            raise DataError(
                f"{part.path} contains two folders for the class {name!r}. Their names differ in "
                "their Unicode form only. Merge the folders."
            )
        folders[name] = folder
    return dict(sorted(folders.items()))


def find_layout(root: Path) -> Layout:
    """Find the parts and class folders of a data set.

    `root` contains class folders, or a training part and optionally a validation and a test part
    with class folders each. Both may be inside of other folders that contain nothing else. Test
    pictures without class folders are left aside with a note.

    Raises:
        DataError: `root` does not exist, a folder cannot be listed, or folders look like parts but
            do not fit.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder. Pass the folder of your pictures.")
    folder = scan(root)
    outer: list[Folder] = []
    while True:
        parts = _find_parts(folder)
        if parts is not None:
            layout = _layout_of_parts(root, folder, parts)
            break
        inner = _only_folder(folder)
        if inner is None:
            layout = _layout_of_classes(root, folder)
            break
        outer += _beside(folder, [inner])
        folder = inner
    layout = replace(layout, read=(*outer, *layout.read))
    if unreadable := [each for each in layout.read if each.error]:
        shown = "\n  ".join(f"{each.path}: {each.error}" for each in unreadable[:20])
        raise DataError(
            f"{len(unreadable)} folders cannot be read. Repair or remove them:\n  {shown}"
        )
    return layout


def find_part(root: Path) -> Folder:
    """Find the folder with the class folders of one part, whatever `root` is called.

    Raises:
        DataError: `root` consists of parts; and as in `find_layout`.
    """
    layout = find_layout(_unwrapped(scan(root)).path if root.is_dir() else root)
    if layout.named:
        shown = " and ".join(str(folder.path) for folder in layout.parts.values())
        raise DataError(f"{root} contains the parts {shown}. Pass the folder of one part.")
    return layout.parts["train"]


def _layout_of_classes(root: Path, folder: Folder) -> Layout:
    classes = _with_pictures(folder)
    notes = [
        f"note: the folder {each.name} is read as a class. If it is a part of the data, put the "
        "class folders into a folder train beside it."
        for each in classes
        if each.name in roles_of(each.name for each in classes)
    ]
    inside = [frozenset(each.name for each in _with_pictures(one)) for one in classes]
    if len(classes) > 1 and len(set(inside)) == 1 and len(inside[0]) > 1:
        names = sorted(inside[0])
        if "train" in roles_of(names).values():
            raise DataError(
                f"{folder.path}: the class folders contain the parts {_listed(names)}. Put the "
                "parts outside: train/<class>/ in place of <class>/train/."
            )
        notes.append(
            f"note: the folders {_listed(each.name for each in classes)} are read as classes, but "
            f"contain the same folders {_listed(names)}. If they are parts of the data, name them "
            "train, validation and test."
        )
    return Layout(
        root, {"train": folder}, named=False, read=tuple(folder.walk()), notes=tuple(notes)
    )


def _layout_of_parts(root: Path, folder: Folder, found: dict[Role, Folder]) -> Layout:
    train = _unwrapped(found["train"])
    if not _labeled(train):
        raise DataError(
            f"{found['train'].path} looks like the training part, but contains no class folders. "
            "Training needs one folder per class in it."
        )
    parts: dict[Part, Folder] = {"train": train}
    read = [found["train"]]
    notes = []
    if validation := found.get("validation"):
        parts["validation"] = _unwrapped(validation)
        read.append(validation)
        if not _labeled(parts["validation"]):
            raise DataError(
                f"{validation.path} looks like the validation part, but contains no class folders. "
                f"Sort its pictures into the class folders of {train.path}, or move it elsewhere."
            )
    if test := found.get("test"):
        inner = _unwrapped(test)
        if _labeled(inner, {class_name(each) for each in train.folders}):
            parts["test"] = inner
            read.append(test)
        else:
            notes.append(_left_aside(test, "without class folders"))
    used = [*read, *([test] if test else [])]
    notes += [
        _left_aside(each, "not a training, validation or test part")
        for each in _with_pictures(folder)
        if each not in used
    ]
    empty = [each.name for each in folder.folders if not each.has_pictures()]
    notes += [f"left aside: {name} (no pictures)" for name in roles_of(empty)]
    everything = (*_beside(folder, used), *(each for part in read for each in part.walk()))
    return Layout(root, parts, named=True, read=everything, notes=tuple(notes))


def _left_aside(folder: Folder, reason: str) -> str:
    count = len(folder.all_pictures())
    return f"left aside: {folder.name} ({count:,} pictures, {reason})"


def _beside(folder: Folder, used: list[Folder]) -> list[Folder]:
    """`folder` itself, and all folders in it that contain no pictures and are not in `used`."""
    empty = [f for f in folder.folders if f not in used and not f.has_pictures()]
    return [folder, *(each for f in empty for each in f.walk())]


def _with_pictures(folder: Folder) -> list[Folder]:
    return [each for each in folder.folders if each.has_pictures()]


def _only_folder(folder: Folder) -> Folder | None:
    """The folder to read in place of `folder`, which contains nothing else; None if none."""
    inside = _with_pictures(folder)
    if len(inside) == 1 and not folder.pictures and _with_pictures(inside[0]):
        return inside[0]
    return None


def _unwrapped(folder: Folder) -> Folder:
    while inner := _only_folder(folder):
        folder = inner
    return folder


def _labeled(part: Folder, classes: Iterable[str] = ()) -> bool:
    """Whether the pictures of a part are in class folders.

    A single folder that is called `images`, or is none of the `classes`, is not a class folder.
    """
    inside = _with_pictures(part)
    if len(inside) != 1:
        return bool(inside)
    name = class_name(inside[0])
    known = set(classes)
    return name in known if known else FILLERS.fullmatch(name.casefold()) is None


def _find_parts(folder: Folder) -> dict[Role, Folder] | None:
    """Find the folders in `folder` that are parts; None if it contains none.

    Raises:
        DataError: folders look like parts but do not fit.
    """
    inside = _with_pictures(folder)
    roles = roles_of(each.name for each in inside)
    named = [each for each in inside if each.name in roles]
    others = [each for each in inside if each.name not in roles]
    if not named:
        return None
    if len(inside) == 1 and _with_pictures(named[0]) and _find_parts(named[0]):
        return None  # an archive's own folder, called like a part
    by_role: dict[Role, list[Folder]] = defaultdict(list)
    for each in named:
        by_role[roles[each.name]].append(each)
    if evaluation := by_role.pop("evaluation", []):
        beside_test = "test" in by_role and "validation" not in by_role
        by_role["validation" if beside_test else "test"] += evaluation
    if "train" not in by_role:
        _check_classes(folder, named, others)
        return None
    if others and not by_role.keys() - {"train", "unlabeled"}:
        if any(_with_pictures(each) for each in by_role["train"]):
            raise DataError(
                f"{folder.path}: {_listed(each.name for each in by_role['train'])} contains "
                f"folders and is beside {_listed(each.name for each in others)}. If it is the "
                "training part, move the others elsewhere. If it is a class, move its pictures out "
                "of the folders in it."
            )
        return None  # classes, of which one is called `train`
    for role, folders in by_role.items():
        if len(folders) > 1 and role != "unlabeled":
            raise DataError(
                f"{folder.path}: {_listed(each.name for each in folders)} look like the same part "
                f"of the data ({role}). Merge them, or move all but one elsewhere."
            )
    return {role: folders[0] for role, folders in by_role.items()}


def _check_classes(folder: Folder, named: list[Folder], others: list[Folder]) -> None:
    """Raise `DataError` if folders called like parts are no classes beside the `others`."""
    names = _listed(each.name for each in named)
    if not others:
        raise DataError(
            f"{folder.path} contains {names} but no training part. Name the folder of the "
            "training pictures train, or pass the folder that contains the class folders."
        )
    beside = {class_name(each) for each in others}
    beside |= {class_name(inner) for each in others for inner in _with_pictures(each)}
    same = sorted({class_name(c) for each in named for c in _with_pictures(each)} & beside)
    if same:
        raise DataError(
            f"{folder.path}: {names} looks like a part of the data, because it contains "
            f"{_listed(same)} too, but there is no training part. Name the folder of the training "
            "pictures train, with the class folders in it."
        )


def _listed(names: Iterable[str]) -> str:
    listed = [name.encode(errors="backslashreplace").decode() for name in names]
    shown = ", ".join(listed[:8])
    return shown if len(listed) <= 8 else f"{shown} and {len(listed) - 8} more"
