"""Sample pictures that ship with the page."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from frontend.images import data_uri, prepare

CREDIT = "Computer-generated samples, free to use."
_FOLDER = Path(__file__).with_name("samples")


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample picture.

    Attributes:
        name: its file name.
        title: the name to display.
        thumbnail: a small JPEG as a data URI.
    """

    name: str
    title: str
    thumbnail: str

    def read(self) -> bytes:
        """Return the file's bytes."""
        return (_FOLDER / self.name).read_bytes()


@cache
def shipped_samples() -> dict[str, Sample]:
    """Return all samples by file name, ordered by it."""
    return {
        file.name: Sample(
            name=file.name,
            title=file.stem.replace("-", " ").capitalize(),
            thumbnail=data_uri(prepare(file.read_bytes(), file.name).thumbnail),
        )
        for file in sorted(_FOLDER.glob("*.jpg"))
    }
