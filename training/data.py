"""Folders of labelled pictures: reading, checking, splitting and streaming them."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.model_selection import train_test_split

from lambda_api import images


class DataError(ValueError):
    """The pictures cannot be used as they are; the message says which and what to do."""


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


def read_folder(root: Path) -> LabelledPictures:
    """List `root/<class>/**/*.jpg` (and .jpeg, .png, .webp).

    Raises:
        DataError: no such folder, fewer than two classes, or a class without pictures.
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
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in images.SUFFIXES)
        if not found:
            raise DataError(f"{folder}: no pictures (JPEG, PNG or WebP) in this class.")
        paths += [p.relative_to(root) for p in found]
        labels += [label] * len(found)
    classes = tuple(folder.name for folder in folders)
    return LabelledPictures(root, classes, tuple(paths), np.array(labels, dtype=np.int64))


def open_dataset(root: Path) -> tuple[LabelledPictures, LabelledPictures | None]:
    """The pictures to train on and, where there is a `test` folder, those to test on.

    `root` holds `train/<class>/…` and perhaps `test/<class>/…`, or the classes themselves.

    Raises:
        DataError: as `read_folder`, or `test` has other classes than `train`.
    """
    if not (root / "train").is_dir():
        return read_folder(root), None
    train = read_folder(root / "train")
    if not (root / "test").is_dir():
        return train, None
    test = read_folder(root / "test")
    if test.classes != train.classes:
        raise DataError(
            f"{root}: train has the classes {', '.join(train.classes)}, "
            f"but test has {', '.join(test.classes)}."
        )
    return train, test


def content_hash(pictures: LabelledPictures) -> str:
    """SHA-256 (hex) of all names and contents; decodes every file once to see that it can be.

    Raises:
        DataError: files that do not decode, by name.
    """
    digest = hashlib.sha256()
    broken: list[str] = []
    for path in pictures.paths:
        data = (pictures.root / path).read_bytes()
        digest.update(path.as_posix().encode() + b"\0" + hashlib.sha256(data).digest())
        try:
            images.decode(data, (32, 32))
        except images.PictureError as error:
            broken.append(f"{path}: {error}")
    if broken:
        shown = "\n  ".join(broken[:20])
        raise DataError(
            f"{len(broken)} of {len(pictures)} files in {pictures.root} cannot be read; "
            f"repair or remove them:\n  {shown}"
        )
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
            f"the class {smallest!r} has {counts.min()}. ({error})"
        ) from error
    return pictures.subset(np.sort(rest)), pictures.subset(np.sort(validation))


def read_picture(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """One picture as the service would see it: uint8, shape (size, size, 3)."""
    return images.decode(path.read_bytes(), (size, size)).pixels


def stream(
    pictures: LabelledPictures,
    size: int,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    augment: Callable[[Any], Any] | None = None,
) -> Any:
    """A `tf.data.Dataset` of batches; the memory it needs does not grow with the data.

    Yields:
        float32 pixels 0..255, shape (batch, size, size, 3), and one-hot labels, float32, shape
        (batch, classes). Shuffled anew each epoch where `shuffle_seed` is given.
    """
    paths = [str(pictures.root / path) for path in pictures.paths]
    dataset = tf.data.Dataset.from_tensor_slices((paths, pictures.labels))
    if shuffle_seed is not None:
        dataset = dataset.shuffle(len(paths), seed=shuffle_seed)

    def load(path: Any, label: Any) -> tuple[Any, Any]:
        pixels = tf.numpy_function(
            lambda name: read_picture(Path(name.decode()), size), [path], tf.uint8
        )
        pixels.set_shape((size, size, 3))
        return tf.cast(pixels, tf.float32), tf.one_hot(label, len(pictures.classes))

    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)
    if augment is not None:
        dataset = dataset.map(lambda x, y: (augment(x), y), num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)
