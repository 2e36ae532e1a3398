"""List the files of a data set, and read each of them once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.pool import ThreadPool
from pathlib import Path

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from lambda_api import images
from lambda_api.images.files import LeftOut
from training.errors import DataError
from training.layout import Part, class_folders, find_layout

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
    part: Part
    label: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a data set.

    Attributes:
        data: the data set's folder.
        roots: the folder of each part that contains its class folders.
        classes: class names of each part, sorted.
        pictures: the files that training reads.
        others: names of the files that are not pictures.
        left_out: numbers of files that training leaves out.
        notes: remarks about the layout, in sentences.
    """

    data: Path
    roots: dict[Part, Path]
    classes: dict[Part, tuple[str, ...]]
    pictures: tuple[File, ...]
    others: tuple[str, ...]
    left_out: LeftOut
    notes: tuple[str, ...]


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
    """A picture file that cannot be read, and the reason."""

    file: File
    reason: str


def list_files(data: Path) -> Listing:
    """List all files of a data set.

    Raises:
        DataError: `data` does not exist or contains no training pictures, its folders look like
            parts but do not fit, or a name is not valid UTF-8.
    """
    layout = find_layout(data)
    classes: dict[Part, tuple[str, ...]] = {}
    pictures: list[File] = []
    for part, root in layout.parts.items():
        folders = class_folders(root)
        classes[part] = tuple(folders)
        for label, folder in folders.items():
            for path in folder.all_pictures():
                name, within = _name(path, data), _name(path, root.path)
                pictures.append(File(path, name, within, part, label))
    if not any(file.part == "train" for file in pictures):
        raise DataError(
            f"{data} contains no pictures ({images.NAMES}) to train on. "
            "Put them into one folder per class, here or in train/."
        )
    return Listing(
        data,
        {part: root.path for part, root in layout.parts.items()},
        classes,
        tuple(pictures),
        tuple(_name(path, data) for path in layout.others()),
        layout.left_out(),
        layout.notes,
    )


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
