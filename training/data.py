"""Folders of labelled pictures: reading, checking, splitting and streaming them."""

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
    """Files and their classes.

    Attributes:
        root: the folder that holds one folder a class.
        classes: names of the classes, sorted; a label is an index into them.
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
        """The pictures whose path, relative to `root` and with slashes, is not among `names`."""
        return self.subset(i for i, path in enumerate(self.paths) if path.as_posix() not in names)


def read_folder(root: Path) -> LabelledPictures:
    """List `root/<class>/**/*.jpg` (and .jpeg, .png, .webp).

    Raises:
        DataError: no such folder, fewer than two classes, a class without pictures, or a name that
            is not UTF-8.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder.")
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise DataError(
            f"{root}: one folder a class is needed, at least two classes; found {len(folders)}."
        )
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders):
        files = (p for p in folder.rglob("*") if p.suffix.lower() in images.SUFFIXES)
        found = sorted(p.relative_to(root) for p in files if not p.is_dir())
        if not found:
            raise DataError(
                f"{folder}: no pictures (JPEG, PNG or WebP) in this class; add some, or remove it."
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
            f"{str(path)!r} in {root}: the name is not UTF-8; rename the file."
        ) from error


def open_dataset(root: Path) -> tuple[LabelledPictures, LabelledPictures | None]:
    """The pictures to train on and, where there is a `test` folder, those to test on.

    `root` holds `train/<class>/…` and perhaps `test/<class>/…`, or the classes themselves.
    Kaggle's names for the Intel scenes, `seg_train/seg_train/<class>/…`, will do.

    Raises:
        DataError: as `read_folder`, or `test` has other classes than `train`.
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
            f"but test has {', '.join(test.classes)}."
        )
    return train, test


def part_folder(root: Path, name: str) -> Path | None:
    """Where `root` holds its part `name`, "train" or "test"; None where it does not."""
    nested = root / f"seg_{name}"
    return next((p for p in (root / name, nested / nested.name, nested) if p.is_dir()), None)


def file_hashes(pictures: LabelledPictures) -> list[str]:
    """SHA-256 (hex) of every file; decodes each once to see that it can be.

    Raises:
        DataError: files that cannot be read or do not decode, by name.
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
            f"{len(broken)} of {len(pictures)} files in {pictures.root} cannot be read; "
            f"repair or remove them:\n  {shown}"
        )
    return hashes


def content_hash(pictures: LabelledPictures, hashes: list[str] | None = None) -> str:
    """SHA-256 (hex) of all names and contents.

    Args:
        pictures: the files.
        hashes: what `file_hashes` says of them, where it has been asked.

    Raises:
        DataError: files that do not decode, by name.
    """
    digest = hashlib.sha256()
    for path, content in zip(pictures.paths, hashes or file_hashes(pictures), strict=True):
        digest.update(path.as_posix().encode() + b"\0" + bytes.fromhex(content))
    return digest.hexdigest()


def split(
    pictures: LabelledPictures, fraction: float, seed: int
) -> tuple[LabelledPictures, LabelledPictures]:
    """Carve a stratified validation part off.

    Returns:
        The rest and the validation part, `fraction` of all pictures, the same for the same seed.

    Raises:
        DataError: a class has too few pictures to be in both parts.
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
            f"Too few pictures to carve {fraction:.0%} of them off for validation: "
            f"the class {smallest!r} has {counts.min()}. Add some, or remove the class. ({error})"
        ) from error
    return pictures.subset(np.sort(rest)), pictures.subset(np.sort(validation))


def read_picture(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """One picture as the service would see it: uint8, shape (size, size, 3)."""
    return images.decode(path.read_bytes(), (size, size)).pixels
