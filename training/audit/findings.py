"""Findings of an audit: the contents of `audit.json`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lambda_api.images import Format
from training.errors import DataError
from training.layout import Part

Cause = Literal["unreadable", "leak", "contradiction", "copy"]


class _Finding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Count(_Finding):
    """Number of readable pictures of a class."""

    part: Part
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
    part: Part
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
        """Whether the group is in several parts."""
        return len({member.part for member in self.members}) > 1

    @property
    def contradicts(self) -> bool:
        """Whether the group has several labels."""
        return len({member.label for member in self.members}) > 1


class Exclusion(_Finding):
    """A file that should be excluded from training.

    Attributes:
        path: relative to the folder that contains the class folders of the part, with slashes.
        part: "train" or "validation".
    """

    path: str
    cause: Cause
    reason: str
    part: Part = "train"


class LabelError(_Finding):
    """A training picture that probably belongs to another class than its label.

    Attributes:
        path: relative to the folder that contains the class folders, with slashes.
        label: the given class.
        suggested: the class to which it probably belongs.
        probabilities: of every class, 0..1, from a classifier that has not seen the picture.
    """

    path: str
    label: str
    suggested: str
    probabilities: dict[str, float]


class Audit(_Finding):
    """All findings of an audit.

    Attributes:
        data: name of the data set's folder.
        counts: for every class of every part, including empty ones.
        formats: number of pictures by format.
        modes: number of pictures by Pillow's color mode.
        sizes: the most frequent first.
        roots: for each part, the folder that contains its class folders, relative to the data set's
            folder.
        unreadable: picture files that cannot be read.
        ignored: files that are not pictures, relative to the data set's folder.
        left_out: sentence with the numbers of files that training leaves out; may be empty.
        flat: pictures of a single color, relative to the data set's folder.
        groups: groups of duplicates.
        exclude: files that should be excluded from training.
        label_errors: likely label errors of the training part, the most doubtful label first. They
            are not in `exclude`. None if they were not searched.
        notes: other problems, in sentences.
        samples: a few training pictures of each class, relative to the data set's folder.
    """

    schema_version: Literal[1] = 1
    data: str
    roots: dict[Part, str] = {}
    counts: tuple[Count, ...]
    formats: dict[Format, int]
    modes: dict[str, int]
    sizes: tuple[Size, ...]
    unreadable: tuple[Faulty, ...]
    ignored: tuple[str, ...]
    left_out: str = ""
    flat: tuple[str, ...]
    groups: tuple[Group, ...]
    exclude: tuple[Exclusion, ...]
    label_errors: tuple[LabelError, ...] | None = None
    notes: tuple[str, ...]
    samples: dict[str, tuple[str, ...]]

    def pictures(self, part: Part) -> int:
        """Number of readable pictures of a part."""
        return sum(count.pictures for count in self.counts if count.part == part)

    def excluded(self, cause: Cause) -> int:
        """Number of files to exclude for a cause."""
        return sum(exclusion.cause == cause for exclusion in self.exclude)


def read_audit(path: Path) -> Audit:
    """Read an `audit.json`.

    Raises:
        DataError: the file is missing or not an audit.
    """
    try:
        return Audit.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot read the audit: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(
            f"{path} is not an audit. Write one with `python -m training audit DATA`."
        ) from error


def read_exclusions(path: Path, part: Part = "train") -> frozenset[str]:
    """Read the files to exclude from a part from an `audit.json`; see `Exclusion.path`.

    Raises:
        DataError: the file is missing or not an audit.
    """
    return frozenset(each.path for each in read_audit(path).exclude if each.part == part)


def read_label_errors(path: Path) -> tuple[LabelError, ...]:
    """Read the likely label errors from an `audit.json`.

    Raises:
        DataError: the file is missing or not an audit, or it was written without --label-errors.
    """
    found = read_audit(path).label_errors
    if found is None:
        raise DataError(
            f"{path} has no label errors. Write it with `python -m training audit DATA "
            "--label-errors`."
        )
    return found
