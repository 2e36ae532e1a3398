"""Listing a data set's files and looking at each of them once."""

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

Part = Literal["train", "test"]

SIDE = 150  # pixels at which pictures are compared
FLAT = 3.0  # grey levels, 0..255, of standard deviation; real scenes have ten and more


@dataclass(frozen=True, slots=True)
class File:
    """A file below a class's folder.

    Attributes:
        name: its path relative to the data set's folder, with slashes.
        within: its path relative to the folder of classes, with slashes.
    """

    path: Path
    name: str
    within: str
    part: Part
    label: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is of a data set.

    Attributes:
        data: the data set's folder.
        classes: of each part, sorted.
        pictures: the files that training would read.
        others: names of the files that it would pass over for their suffix.
    """

    data: Path
    classes: dict[Part, tuple[str, ...]]
    pictures: tuple[File, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of a picture that was looked at: some hundred bytes.

    Attributes:
        mode: Pillow's name for how the file stores a pixel: RGB, L (grey), CMYK, P (palette) …
        width: pixels, upright.
        height: pixels, upright.
        content: SHA-256 of the file.
        pixels: SHA-256 of what `lambda_api.images` decodes from it at `SIDE`.
        fingerprint: uint64, shape (5,): the 256 bits of a perceptual hash and the 64 of a
            difference hash; None where there is nothing but one colour to see.
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
    """A file that has a picture's suffix and is none, and why."""

    file: File
    reason: str


def part_folders(data: Path) -> dict[Part, Path]:
    """The folders that hold one folder a class each.

    Raises:
        DataError: no such folder.
    """
    if not data.is_dir():
        raise DataError(f"{data}: no such folder.")
    train, test = part_folder(data, "train"), part_folder(data, "test")
    if train is None:
        return {"train": data}
    return {"train": train} if test is None else {"train": train, "test": test}


def list_files(data: Path) -> Listing:
    """All files below the classes' folders. What is wrong with a class is not judged here.

    Raises:
        DataError: no such folder, nothing in it to train on, or a name that is not UTF-8.
    """
    classes: dict[Part, tuple[str, ...]] = {}
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
            f"{data}: no pictures (JPEG, PNG or WebP) to train on; one folder a class is needed, "
            "here or in train/."
        )
    return Listing(data, classes, tuple(pictures), tuple(others))


def _name(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{name!r} in {root}: the name is not UTF-8; rename the file.") from error
    return name


def look_at_all(files: tuple[File, ...]) -> Iterator[Picture | Unreadable]:
    """Look at the files in their order, on all cores; no more pictures in memory than cores."""
    with ThreadPool() as pool:  # of threads: reading, hashing and decoding let each other run
        yield from pool.imap(look_at, files, chunksize=8)


def look_at(file: File) -> Picture | Unreadable:
    """Read and decode one file."""
    try:
        data = file.path.read_bytes()
        decoded = images.decode(data, (SIDE, SIDE))
    except images.PictureError as error:
        return Unreadable(file, str(error))
    except OSError as error:
        return Unreadable(file, f"The file cannot be read: {error.strerror}.")
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
    """What `duplicates` compares; None for a picture of one colour, whose hashes are noise."""
    grey = Image.fromarray(pixels).convert("L")
    if np.asarray(grey).std() < FLAT:
        return None
    bits = [imagehash.phash(grey, hash_size=16).hash, imagehash.dhash(grey, hash_size=8).hash]
    return np.packbits(np.concatenate([part.ravel() for part in bits])).view(np.uint64)
