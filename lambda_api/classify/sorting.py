"""Folders of pictures by label, for `classify --sort-into`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lambda_api.classify.answers import Answer
from lambda_api.classify.sources import Source

UNSURE, UNKNOWN = "unsure", "unknown"


class SortingError(RuntimeError):
    """A folder that pictures cannot be sorted into. The message says what to do."""


@dataclass(frozen=True)
class Sorting:
    """A folder with a folder for each label, and the folders `unsure` and `unknown`.

    Attributes:
        folder: the folder.
        links: create symbolic links instead of copies.
    """

    folder: Path
    links: bool = False

    @classmethod
    def outside_of(
        cls, paths: Sequence[Path], folder: Path | None, *, links: bool
    ) -> "Sorting | None":
        """Return the sorting into a folder, None for no folder.

        Raises:
            SortingError: the folder is in one of `paths`, is a file, or links are impossible.
        """
        if folder is None:
            if links:
                raise SortingError("--link: needs --sort-into")
            return None
        if folder.exists() and not folder.is_dir():
            raise SortingError(f"--sort-into: {folder} is not a folder")
        for path in paths:
            if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
                raise SortingError(
                    f"--sort-into: {folder} is inside of {path}, so its pictures would be found "
                    "again. Choose a folder outside"
                )
            if links and path.suffix.lower() == ".zip":
                raise SortingError(f"--link: pictures in {path} can only be copied")
        return cls(folder, links)

    def place(self, source: Source, data: bytes, answer: Answer) -> None:
        """Copy or link a picture. Existing files are never overwritten.

        Does nothing if an earlier, interrupted run has placed it. Raises `OSError`.
        """
        label = answer.label if answer.confident else UNSURE
        if not answer.known:
            label = UNKNOWN
        wanted = self.folder / label / source.relative
        wanted.parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            target = wanted if number == 1 else wanted.with_stem(f"{wanted.stem} ({number})")
            if self.links:
                if _link(target, Path(source.path).absolute()):
                    return
            elif _copy(target, data):
                return


def _link(target: Path, picture: Path) -> bool:
    """Create a link. Returns False if there is another file."""
    try:
        target.symlink_to(picture)
    except FileExistsError:
        return target.is_symlink() and target.readlink() == picture
    return True


def _copy(target: Path, data: bytes) -> bool:
    """Create a file. Returns False if there is one with other content."""
    if target.exists() or target.is_symlink():
        return (
            target.is_file()
            and target.stat().st_size == len(data)
            and (target.read_bytes() == data)
        )
    # Written under a name that is not a picture's, so that an interrupt leaves no half picture.
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.rename(target)
    return True
