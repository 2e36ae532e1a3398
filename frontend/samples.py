"""The sample pictures that come with the page."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from frontend.images import prepare
from frontend.views.markup import data_uri

CREDIT = "Drawn by a program for this page; free for any use."
_FOLDER = Path(__file__).with_name("samples")


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture to try the page with.

    Attributes:
        name: its file.
        title: what to call it.
        thumbnail: a small one, as a data URI.
    """

    name: str
    title: str
    thumbnail: str

    def read(self) -> bytes:
        """The file's bytes."""
        return (_FOLDER / self.name).read_bytes()


@cache
def shipped() -> tuple[Sample, ...]:
    """All of them, by name."""
    return tuple(
        Sample(
            name=file.name,
            title=file.stem.replace("-", " ").capitalize(),
            thumbnail=data_uri(prepare(file.read_bytes(), file.name).thumbnail),
        )
        for file in sorted(_FOLDER.glob("*.jpg"))
    )
