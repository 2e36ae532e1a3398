"""Folders of labeled pictures: list, check, split and decode them."""

import hashlib
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from lambda_api import images
from lambda_api.images.files import Folder, LeftOut
from training.errors import DataError
from training.layout import class_folders, find_layout, find_part

COLLECTED = "collected-"  # prefix of files that `python -m training collect` adds
_COLLECTED = re.compile(rf"{COLLECTED}[0-9a-f]{{64}}\.[a-z]+")


@dataclass(frozen=True)
class LabelledPictures:
    """Picture files and their classes.

    Attributes:
        root: the folder that contains one folder per class.
        classes: class names, sorted; a label is an index into them.
        paths: the files, relative to `root`, sorted.
        labels: int64, shape (n,).
    """

    root: Path
    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)

    def subset(self, indices: Iterable[int]) -> "LabelledPictures":
        """The pictures at `indices`, in that order."""
        chosen = list(indices)
        paths = tuple(self.paths[i] for i in chosen)
        return LabelledPictures(self.root, self.classes, paths, self.labels[chosen])

    def only(self, names: Iterable[str]) -> "LabelledPictures":
        """The pictures whose path, relative to `root` and with slashes, is in `names`."""
        chosen = frozenset(names)
        return self.subset(i for i, path in enumerate(self.paths) if path.as_posix() in chosen)

    def without(self, names: Container[str]) -> "LabelledPictures":
        """The pictures whose path, relative to `root` and with slashes, is not in `names`."""
        return self.subset(i for i, path in enumerate(self.paths) if path.as_posix() not in names)


@dataclass(frozen=True)
class Dataset:
    """The parts of a data set.

    Attributes:
        train: pictures to train on.
        validation: pictures of the validation part; None if the data set has none, so that a share
            of `train` is set aside.
        test: pictures of the test part; None if the data set has none.
        left_out: numbers of files that were left out.
        notes: remarks for the user about the layout, in sentences.
    """

    train: LabelledPictures
    validation: LabelledPictures | None
    test: LabelledPictures | None
    left_out: LeftOut
    notes: tuple[str, ...]

    def remarks(self) -> list[str]:
        """The notes, and what was left out: the lines to print."""
        return [*self.notes, *([str(self.left_out)] if self.left_out else [])]


def read_folder(root: Path) -> LabelledPictures:
    """List the pictures in the class folders of `root`, which is one part of a data set.

    Raises:
        DataError: the folder is missing, it consists of parts, it has fewer than two classes, a
            class has no pictures, or a name is not valid UTF-8.
    """
    return _labelled(find_part(root))


def _labelled(part: Folder) -> LabelledPictures:
    folders = class_folders(part)
    if len(folders) < 2:
        raise DataError(
            f"{part.path} contains {len(folders)} class folders. Training needs one folder per "
            "class, and at least two classes."
        )
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders.values()):
        found = [path.relative_to(part.path) for path in folder.all_pictures()]
        if not found:
            raise DataError(
                f"{folder.path} contains no pictures ({images.NAMES}). "
                "Add some, or remove the folder."
            )
        for path in found:
            _check_name(path, part.path)
        paths += found
        labels += [label] * len(found)
    return LabelledPictures(
        part.path, tuple(folders), tuple(paths), np.array(labels, dtype=np.int64)
    )


def _check_name(path: Path, root: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{str(path)!r} in {root}: the name is not valid UTF-8. Rename the file."
        ) from error


def open_dataset(root: Path) -> Dataset:
    """List the pictures of a data set.

    `root` contains `train/<class>/…` and optionally `valid/<class>/…` and `test/<class>/…`, or the
    class folders themselves. See `find_layout` for the other names that parts may have.

    Raises:
        DataError: see `find_layout` and `read_folder`; or a part has other classes than `train`.
    """
    layout = find_layout(root)
    parts = {part: _labelled(folder) for part, folder in layout.parts.items()}
    train = parts["train"]
    for pictures in parts.values():
        if pictures.classes != train.classes:
            raise DataError(
                f"{root}: {_folder(train, root)} has the classes {', '.join(train.classes)}, "
                f"but {_folder(pictures, root)} has {', '.join(pictures.classes)}. "
                "Use the same class folders in both."
            )
    return Dataset(
        train, parts.get("validation"), parts.get("test"), layout.left_out(), layout.notes
    )


def _folder(pictures: LabelledPictures, root: Path) -> str:
    return pictures.root.relative_to(root).as_posix()


def file_hashes(pictures: LabelledPictures) -> list[str]:
    """Compute the SHA-256 (hex) of every file, and check that every file decodes.

    Raises:
        DataError: lists the files that cannot be read or decoded.
    """
    hashes: list[str] = []
    broken: list[str] = []
    for path in pictures.paths:
        try:
            data = (pictures.root / path).read_bytes()
            images.decode(data, (32, 32))
        except OSError as error:
            broken.append(f"{path}: {error.strerror}")
        except images.PictureError as error:
            broken.append(f"{path}: {error}")
        else:
            hashes.append(hashlib.sha256(data).hexdigest())
    if broken:
        shown = "\n  ".join(broken[:20])
        raise DataError(
            f"{len(broken)} of {len(pictures)} files in {pictures.root} cannot be read. "
            f"Repair or remove them:\n  {shown}"
        )
    return hashes


def content_hash(pictures: LabelledPictures, hashes: list[str] | None = None) -> str:
    """Compute one SHA-256 (hex) of all names and contents.

    Args:
        pictures: the files.
        hashes: the result of `file_hashes`, if it is already known.

    Raises:
        DataError: lists the files that cannot be read or decoded.
    """
    digest = hashlib.sha256()
    for path, content in zip(pictures.paths, hashes or file_hashes(pictures), strict=True):
        digest.update(path.as_posix().encode() + b"\0" + bytes.fromhex(content))
    return digest.hexdigest()


def dataset_hash(train: str, validation: str) -> str:
    """Compute the hash of a data set with a validation part from the `content_hash` of both."""
    return hashlib.sha256(bytes.fromhex(train) + bytes.fromhex(validation)).hexdigest()


def split(
    pictures: LabelledPictures, fraction: float, seed: int
) -> tuple[LabelledPictures, LabelledPictures]:
    """Set aside a stratified share of the pictures for validation.

    Collected pictures are never set aside. Adding some therefore leaves the validation pictures of
    the next run as they were.

    Args:
        pictures: all pictures to train on.
        fraction: share of the pictures that are not collected, 0..1.
        seed: the same seed gives the same split.

    Returns:
        The pictures to train on, and the validation pictures.

    Raises:
        DataError: a class has too few pictures for both parts.
    """
    collected = np.array([is_collected(path) for path in pictures.paths], dtype=bool)
    others = np.flatnonzero(~collected)
    try:
        rest, validation = train_test_split(
            others,
            test_size=fraction,
            stratify=pictures.labels[others],
            random_state=seed,
        )
    except ValueError as error:
        counts = np.bincount(pictures.labels[others], minlength=len(pictures.classes))
        smallest = pictures.classes[int(counts.argmin())]
        raise DataError(
            f"Too few pictures to set aside {fraction:.0%} for validation: the class {smallest!r} "
            f"has {counts.min()}. Add some, or remove the class. ({error})"
        ) from error
    fitting = np.concatenate([rest, np.flatnonzero(collected)])
    return pictures.subset(np.sort(fitting)), pictures.subset(np.sort(validation))


def is_collected(path: Path) -> bool:
    """Return True for a picture that `python -m training collect` added to a class folder."""
    return _COLLECTED.fullmatch(path.name) is not None


def read_picture(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """Decode one picture as the service does: uint8, shape (size, size, 3)."""
    return images.decode(path.read_bytes(), (size, size)).pixels
