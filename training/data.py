"""Folders of labeled pictures: list, check, split and decode them."""

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from lambda_api import images
from training.errors import DataError


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

    def without(self, names: Container[str]) -> "LabelledPictures":
        """The pictures whose path, relative to `root` and with slashes, is not in `names`."""
        return self.subset(i for i, path in enumerate(self.paths) if path.as_posix() not in names)


def read_folder(root: Path) -> LabelledPictures:
    """List `root/<class>/**/*.jpg`, and all other suffixes of pictures.

    Raises:
        DataError: the folder is missing, it has fewer than two classes, a class has no pictures, or
            a name is not valid UTF-8.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder. Pass the folder of your pictures.")
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise DataError(
            f"{root} contains {len(folders)} class folders. Training needs one folder per class, "
            "and at least two classes."
        )
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders):
        files = (p for p in folder.rglob("*") if p.suffix.lower() in images.SUFFIXES)
        found = sorted(p.relative_to(root) for p in files if not p.is_dir())
        if not found:
            raise DataError(
                f"{folder} contains no pictures ({images.NAMES}). Add some, or remove the folder."
            )
        for path in found:
            _check_name(path, root)
        paths += found
        labels += [label] * len(found)
    classes = tuple(folder.name for folder in folders)
    return LabelledPictures(root, classes, tuple(paths), np.array(labels, dtype=np.int64))


def _check_name(path: Path, root: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{str(path)!r} in {root}: the name is not valid UTF-8. Rename the file."
        ) from error


def open_dataset(root: Path) -> tuple[LabelledPictures, LabelledPictures | None]:
    """List the training pictures and, if there is a `test` folder, the test pictures.

    `root` contains `train/<class>/…` and optionally `test/<class>/…`, or the class folders
    themselves. Kaggle's layout of the Intel scenes, `seg_train/seg_train/<class>/…`, works too.

    Raises:
        DataError: see `read_folder`; or `test` has other classes than `train`.
    """
    train_folder, test_folder = part_folder(root, "train"), part_folder(root, "test")
    if train_folder is None:
        return read_folder(root), None
    train = read_folder(train_folder)
    if test_folder is None:
        return train, None
    test = read_folder(test_folder)
    if test.classes != train.classes:
        raise DataError(
            f"{root}: train has the classes {', '.join(train.classes)}, "
            f"but test has {', '.join(test.classes)}. Use the same class folders in both."
        )
    return train, test


def part_folder(root: Path, name: str) -> Path | None:
    """The folder of the part `name`, "train" or "test", in `root`; None if there is none."""
    nested = root / f"seg_{name}"
    return next((p for p in (root / name, nested / nested.name, nested) if p.is_dir()), None)


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


def split(
    pictures: LabelledPictures, fraction: float, seed: int
) -> tuple[LabelledPictures, LabelledPictures]:
    """Set aside a stratified share of the pictures for validation.

    Args:
        pictures: all pictures to train on.
        fraction: share for validation, 0..1.
        seed: the same seed gives the same split.

    Returns:
        The pictures to train on, and the validation pictures.

    Raises:
        DataError: a class has too few pictures for both parts.
    """
    try:
        rest, validation = train_test_split(
            np.arange(len(pictures)),
            test_size=fraction,
            stratify=pictures.labels,
            random_state=seed,
        )
    except ValueError as error:
        counts = np.bincount(pictures.labels)
        smallest = pictures.classes[int(counts.argmin())]
        raise DataError(
            f"Too few pictures to set aside {fraction:.0%} for validation: the class {smallest!r} "
            f"has {counts.min()}. Add some, or remove the class. ({error})"
        ) from error
    return pictures.subset(np.sort(rest)), pictures.subset(np.sort(validation))


def read_picture(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """Decode one picture as the service does: uint8, shape (size, size, 3)."""
    return images.decode(path.read_bytes(), (size, size)).pixels
