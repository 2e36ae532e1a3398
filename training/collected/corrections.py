"""Read corrections from the store of the service."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

from pydantic import ValidationError
from rich.progress import track

from lambda_api.collection.records import (
    ANSWERS,
    MAX_RECORD_BYTES,
    PICTURES,
    Feedback,
    feedback_name,
    is_feedback,
)
from lambda_api.collection.store import MissingObject, Store, StoreError
from training.audit.examine import CONSOLE
from training.data import COLLECTED
from training.errors import DataError

NONE = "none"
MAX_PICTURE_BYTES = 100_000_000


@dataclass(frozen=True)
class Correction:
    """A picture and the labels that clients gave it.

    Attributes:
        picture: file name of the picture in the store, its SHA-256 with a suffix.
        labels: right classes; None stands for none of the classes.
        predicted: labels that the service had predicted.
    """

    picture: str
    labels: frozenset[str | None]
    predicted: frozenset[str]

    @property
    def file(self) -> str:
        """File name in a data set."""
        return f"{COLLECTED}{self.picture}"


@dataclass
class Corrections:
    """What a store contains.

    Attributes:
        all: one for each picture, sorted by name.
        records: number of records of feedback.
        foreign: number of objects that the service did not write, or that were altered.
    """

    all: list[Correction] = field(default_factory=list)
    records: int = 0
    foreign: int = 0


def read_corrections(store: Store) -> Corrections:
    """Read all feedback in a store, with progress on stderr.

    Raises:
        DataError: the store cannot be read.
    """
    found = Corrections()
    by_picture: dict[str, list[Feedback]] = defaultdict(list)
    try:
        names = list(store.names(""))
        feedback = [name for name in names if is_feedback(name)]
        others = (name for name in names if not name.startswith((PICTURES, ANSWERS)))
        found.foreign = sum(1 for _ in others) - len(feedback)
        for name in track(feedback, "Reading the corrections", console=CONSOLE):
            record = _record(store, name)
            if record is None:
                found.foreign += 1
            else:
                found.records += 1
                by_picture[record.picture].append(record)
    except StoreError as error:
        raise DataError(
            f"The collected pictures cannot be read ({error}). Check the address and your AWS "
            "credentials."
        ) from error
    found.all = [
        Correction(
            picture,
            frozenset(record.label for record in records),
            frozenset(str(record.answer.get("label")) for record in records),
        )
        for picture, records in sorted(by_picture.items())
    ]
    return found


def read_collected_picture(store: Store, picture: str) -> bytes | str:
    """Return a picture, or the reason why it cannot be used."""
    try:
        data = store.read(PICTURES + picture, MAX_PICTURE_BYTES)
    except MissingObject:
        return "the picture has expired"
    except StoreError as error:
        return f"the picture cannot be read ({error})"
    if hashlib.sha256(data).hexdigest() != picture.partition(".")[0]:
        return "the picture was altered"
    return data


def _record(store: Store, name: str) -> Feedback | None:
    """Read a record; None if the service did not write it."""
    try:
        record = Feedback.model_validate_json(store.read(name, MAX_RECORD_BYTES))
    except (ValidationError, MissingObject):
        return None
    return record if feedback_name(record) == name else None
