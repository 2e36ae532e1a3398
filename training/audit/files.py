"""List the files of a data set, and read each of them once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from lambda_api import images
from training.data import part_folder
from training.errors import DataError

DatasetPart = Literal["train", "test"]

SIDE = 150  # pixels per side at which pictures are compared
FLAT = 3.0  # standard deviation of gray levels, 0..255; real scenes have 10 and more


@dataclass(frozen=True, slots=True)
class File:
    """A file in a class folder.

    Attributes:
        name: path relative to the data set's folder, with slashes.
        within: path relative to the folder that contains the class folders, with slashes.
        label: class name.
    """

    path: Path
    name: str
    within: str
    part: DatasetPart
    label: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a data set.

    Attributes:
        data: the data set's folder.
        classes: class names of each part, sorted.
        pictures: the files that training reads.
        others: names of the files that training ignores because of their suffix.
    """

    data: Path
    classes: dict[DatasetPart, tuple[str, ...]]
    pictures: tuple[File, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Properties of a readable picture, a few hundred bytes.

    Attributes:
        mode: Pillow's color mode of the file: RGB, L (gray), CMYK, P (palette) …
        width: pixels, after EXIF rotation.
        height: pixels, after EXIF rotation.
        content: SHA-256 of the file.
        pixels: SHA-256 of the pixels that `lambda_api.images` decodes at `SIDE`.
        fingerprint: uint64, shape (5,): 256 bits of a perceptual hash and 64 bits of a difference
            hash; None for a picture of a single color.
    """

    file: File
    format: images.Format
    mode: str
    width: int
    height: int
    content: bytes
    pixels: bytes
    fingerprint: npt.NDArray[np.uint64] | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file with a picture's suffix that cannot be read, and the reason."""

    file: File
    reason: str


def part_folders(data: Path) -> dict[DatasetPart, Path]:
    """The folders of the parts; each contains one folder per class.

    Raises:
        DataError: `data` does not exist.
    """
    if not data.is_dir():
        raise DataError(f"{data}: no such folder. Pass the folder of your pictures.")
    train, test = part_folder(data, "train"), part_folder(data, "test")
    if train is None:
        return {"train": data}
    return {"train": train} if test is None else {"train": train, "test": test}


def list_files(data: Path) -> Listing:
    """List all files in the class folders.

    Raises:
        DataError: `data` does not exist or contains no training pictures, or a name is not valid
            UTF-8.
    """
    classes: dict[DatasetPart, tuple[str, ...]] = {}
    pictures: list[File] = []
    others: list[str] = []
    for part, root in part_folders(data).items():
        folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        classes[part] = tuple(folder.name for folder in folders)
        for folder in folders:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                name, within = _name(path, data), _name(path, root)
                if path.suffix.lower() in images.SUFFIXES:
                    pictures.append(File(path, name, within, part, folder.name))
                else:
                    others.append(name)
    if not any(file.part == "train" for file in pictures):
        raise DataError(
            f"{data} contains no pictures ({images.NAMES}) to train on. "
            "Put them into one folder per class, here or in train/."
        )
    return Listing(data, classes, tuple(pictures), tuple(others))


def _name(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name!r} in {root}: the name is not valid UTF-8. Rename the file."
        ) from error
    return name


def inspect_all(files: tuple[File, ...]) -> Iterator[Picture | Unreadable]:
    """Inspect the files in order on all cores, with one decoded picture per core in memory."""
    with ThreadPool() as pool:  # threads suffice: reading, hashing and decoding release the GIL
        yield from pool.imap(inspect, files, chunksize=8)


def inspect(file: File) -> Picture | Unreadable:
    """Read and decode one file."""
    try:
        data = file.path.read_bytes()
        decoded = images.decode(data, (SIDE, SIDE))
    except images.PictureError as error:
        return Unreadable(file, str(error))
    except OSError as error:
        return Unreadable(file, f"Cannot read the file: {error.strerror}.")
    with Image.open(BytesIO(data), formats=(decoded.format,)) as image:
        mode = image.mode
    return Picture(
        file,
        decoded.format,
        mode,
        decoded.width,
        decoded.height,
        hashlib.sha256(data).digest(),
        hashlib.sha256(decoded.pixels.tobytes()).digest(),
        fingerprint(decoded.pixels),
    )


def fingerprint(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64] | None:
    """Hashes for `duplicates`; None for a picture of a single color, whose hashes are noise."""
    gray = Image.fromarray(pixels).convert("L")
    if np.asarray(gray).std() < FLAT:
        return None
    bits = [imagehash.phash(gray, hash_size=16).hash, imagehash.dhash(gray, hash_size=8).hash]
    return np.packbits(np.concatenate([part.ravel() for part in bits])).view(np.uint64)
