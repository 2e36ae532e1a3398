"""Unlabeled pictures, from which a run learns the predictions of its teachers."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lambda_api import images
from lambda_api.images.files import scan
from training.data import LabelledPictures, file_hashes
from training.errors import DataError

NO_LABEL = -1


def read_unlabeled(
    folder: Path, classes: tuple[str, ...], evaluated: Iterable[str]
) -> LabelledPictures:
    """List and check the pictures of a folder. Copies of evaluation pictures are left out.

    Args:
        folder: contains pictures at any depth; the names of its folders have no meaning.
        classes: class names of the run.
        evaluated: the SHA-256 (hex) of all validation and test pictures.

    Returns:
        The pictures, with the label `NO_LABEL`.

    Raises:
        DataError: the folder is missing or contains no usable pictures, or files are broken.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Pass a folder of pictures with --unlabeled.")
    scanned = scan(folder)
    if unreadable := scanned.unreadable():
        raise DataError(f"{unreadable[0].path}: {unreadable[0].error} Repair or remove the folder.")
    paths = tuple(path.relative_to(folder) for path in scanned.all_pictures())
    pictures = LabelledPictures(folder, classes, paths, np.full(len(paths), NO_LABEL))
    known = frozenset(evaluated)
    kept = [i for i, content in enumerate(file_hashes(pictures)) if content not in known]
    if copies := len(pictures) - len(kept):
        print(f"Unlabeled: {copies:,} copies of validation or test pictures are left out.")
    if not kept:
        raise DataError(
            f"{folder} contains no pictures ({images.NAMES}) to learn from. Add some, or leave out "
            "--unlabeled."
        )
    return pictures.subset(kept)


def joined(labeled: LabelledPictures, unlabeled: LabelledPictures) -> LabelledPictures:
    """Both as one. The paths of `unlabeled` become absolute, so they may be in another folder."""
    return LabelledPictures(
        labeled.root,
        labeled.classes,
        (*labeled.paths, *((unlabeled.root / path).absolute() for path in unlabeled.paths)),
        np.concatenate([labeled.labels, unlabeled.labels]),
    )
