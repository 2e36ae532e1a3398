"""Findings of an audit: the contents of `audit.json`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lambda_api.images import Format
from training.audit.files import DatasetPart
from training.errors import DataError

Cause = Literal["unreadable", "leak", "contradiction", "copy"]


class _Finding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Count(_Finding):
    """Number of readable pictures of a class."""

    part: DatasetPart
    label: str
    pictures: int


class Size(_Finding):
    """Number of pictures of one size, in pixels, after EXIF rotation."""

    width: int
    height: int
    pictures: int


class Faulty(_Finding):
    """An unreadable file, relative to the data set's folder, and the reason."""

    path: str
    reason: str


class Member(_Finding):
    """A picture of a group.

    Attributes:
        path: relative to the data set's folder.
        distance: bits, 0..256, in which its perceptual hash differs from the first picture's.
    """

    path: str
    part: DatasetPart
    label: str
    width: int
    height: int
    distance: int


class Group(_Finding):
    """Exact or near duplicates; those of the test part come first.

    Attributes:
        kind: "same file"; "same pixels" for different files that decode to the same pixels; "near"
            if at least one picture differs in its pixels.
    """

    kind: Literal["same file", "same pixels", "near"]
    members: tuple[Member, ...]

    @property
    def leaks(self) -> bool:
        """Whether the group is in train and in test."""
        return len({member.part for member in self.members}) > 1

    @property
    def contradicts(self) -> bool:
        """Whether the group has several labels."""
        return len({member.label for member in self.members}) > 1


class Exclusion(_Finding):
    """A file that should be excluded from training.

    Attributes:
        path: relative to the folder that contains the class folders of train, with slashes.
    """

    path: str
    cause: Cause
    reason: str


class Audit(_Finding):
    """All findings of an audit.

    Attributes:
        data: name of the data set's folder.
        counts: for every class of every part, including empty ones.
        formats: number of pictures by format.
        modes: number of pictures by Pillow's color mode.
        sizes: the most frequent first.
        unreadable: files with a picture's suffix that cannot be read.
        ignored: files ignored because of their suffix, relative to the data set's folder.
        flat: pictures of a single color, relative to the data set's folder.
        groups: groups of duplicates.
        exclude: files that should be excluded from training.
        notes: other problems, in sentences.
        samples: a few training pictures of each class, relative to the data set's folder.
    """

    schema_version: Literal[1] = 1
    data: str
    counts: tuple[Count, ...]
    formats: dict[Format, int]
    modes: dict[str, int]
    sizes: tuple[Size, ...]
    unreadable: tuple[Faulty, ...]
    ignored: tuple[str, ...]
    flat: tuple[str, ...]
    groups: tuple[Group, ...]
    exclude: tuple[Exclusion, ...]
    notes: tuple[str, ...]
    samples: dict[str, tuple[str, ...]]

    def pictures(self, part: DatasetPart) -> int:
        """Number of readable pictures of a part."""
        return sum(count.pictures for count in self.counts if count.part == part)

    def excluded(self, cause: Cause) -> int:
        """Number of files to exclude for a cause."""
        return sum(exclusion.cause == cause for exclusion in self.exclude)


def read_exclusions(path: Path) -> frozenset[str]:
    """Read the files to exclude from an `audit.json`; see `Exclusion.path`.

    Raises:
        DataError: the file is missing or not an audit.
    """
    try:
        audit = Audit.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot read the audit: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(
            f"{path} is not an audit. Write one with `python -m training audit DATA`."
        ) from error
    return frozenset(exclusion.path for exclusion in audit.exclude)
