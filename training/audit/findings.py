"""What an audit found, as it is written to `audit.json`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lambda_api.images import Format
from training.audit.files import Part
from training.errors import DataError

Cause = Literal["unreadable", "leak", "contradiction", "copy"]


class _Finding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Count(_Finding):
    """How many readable pictures of a class there are."""

    part: Part
    label: str
    pictures: int


class Size(_Finding):
    """How many pictures are of one size, in pixels, upright."""

    width: int
    height: int
    pictures: int


class Faulty(_Finding):
    """A file, relative to the data set's folder, that cannot be read, and why."""

    path: str
    reason: str


class Member(_Finding):
    """A picture of a group.

    Attributes:
        path: relative to the data set's folder.
        distance: bits of 256 in which its perceptual hash differs from that of the group's first.
    """

    path: str
    part: Part
    label: str
    width: int
    height: int
    distance: int


class Group(_Finding):
    """Pictures that show the same; those of the test part come first.

    Attributes:
        kind: all the same file; all decoded to the same pixels; or some only look the same.
    """

    kind: Literal["same file", "same pixels", "near"]
    members: tuple[Member, ...]

    @property
    def leaks(self) -> bool:
        """In train and in test."""
        return len({member.part for member in self.members}) > 1

    @property
    def contradicts(self) -> bool:
        """Under several labels."""
        return len({member.label for member in self.members}) > 1


class Exclusion(_Finding):
    """A file that had better not be trained on.

    Attributes:
        path: relative to the folder of classes that is trained on, with slashes.
    """

    path: str
    cause: Cause
    reason: str


class Audit(_Finding):
    """Everything that was found.

    Attributes:
        data: name of the data set's folder.
        counts: of every class of every part, also the empty ones.
        formats: pictures of each format.
        modes: pictures of each of Pillow's modes.
        sizes: the most frequent first.
        unreadable: files with a picture's suffix that are none.
        ignored: files that are passed over for their suffix, relative to the data set's folder.
        flat: pictures of a single colour, relative to the data set's folder.
        groups: of pictures that show the same.
        exclude: what had better not be trained on.
        notes: what else is wrong, in sentences.
        samples: a few pictures of each class to train on, relative to the data set's folder.
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

    def pictures(self, part: Part) -> int:
        """Readable pictures of a part."""
        return sum(count.pictures for count in self.counts if count.part == part)

    def excluded(self, cause: Cause) -> int:
        """Files to exclude for a cause."""
        return sum(exclusion.cause == cause for exclusion in self.exclude)


def read_exclusions(path: Path) -> frozenset[str]:
    """What an `audit.json` lists for exclusion: paths relative to the folder of classes.

    Raises:
        DataError: the file is not there or holds no audit.
    """
    try:
        audit = Audit.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: the audit cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(
            f"{path}: holds no audit; `python -m training audit DATA` writes one."
        ) from error
    return frozenset(exclusion.path for exclusion in audit.exclude)
