"""Photos of a visit: their files, and which files are skipped and why."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePosixPath

from frontend.archives import UnusableArchive, entries, is_archive
from frontend.images import SUFFIXES, UnusablePicture, Upload, format_bytes, is_picture, prepare

MAX_PHOTOS = 500  # at a time
MAX_FILE_BYTES = 50_000_000
MAX_TOTAL_BYTES = 400_000_000  # of one visit, in the server's memory
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})

_ids = count(1)


@dataclass(slots=True)
class Photo:
    """A file from the visitor.

    Attributes:
        name: its file name, with the path within a folder or a ZIP archive.
        data: its content.
        picture: the decoded picture, the reason why it is unusable, or None before decoding.
        duplicate_of: name of an earlier photo with the same content, or "".
        digest: SHA-256 of `data`.
        id: identifies the photo within the process.
    """

    name: str
    data: bytes
    picture: Upload | UnusablePicture | None = None
    duplicate_of: str = ""
    digest: str = ""
    id: int = field(default_factory=lambda: next(_ids))

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256(self.data).hexdigest()

    def decode(self) -> Upload | UnusablePicture:
        """Decode the file, once."""
        if self.picture is None:
            try:
                self.picture = prepare(self.data, PurePosixPath(self.name).name)
            except UnusablePicture as error:
                self.picture = error
        return self.picture


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is not among the photos, and the reason for the visitor."""

    name: str
    reason: str


@dataclass(slots=True)
class PhotoList:
    """Uploaded photos in the order of their upload, and the files that were skipped."""

    photos: list[Photo] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)

    def add(self, files: Iterable[tuple[str, bytes]]) -> list[Photo]:
        """Add files, and those in ZIP archives. Returns the photos that were added.

        Files of operating systems, such as `.DS_Store`, are ignored.
        """
        added = []
        for name, content in _unpacked(files):
            if _is_system_file(name):
                continue
            if reason := self._reason_to_skip(name, content):
                self.skipped.append(SkippedFile(name, reason))
            elif isinstance(content, bytes):
                photo = Photo(name, content)
                photo.duplicate_of = next(
                    (one.name for one in self.photos if one.digest == photo.digest), ""
                )
                self.photos.append(photo)
                added.append(photo)
        return added

    def remove(self, photo: Photo) -> None:
        """Remove a photo. A duplicate of it takes its place."""
        self.photos = [one for one in self.photos if one.id != photo.id]
        first: dict[str, str] = {}
        for one in self.photos:
            one.duplicate_of = first.get(one.digest, "")
            first.setdefault(one.digest, one.name)

    def _reason_to_skip(self, name: str, content: bytes | UnusableArchive) -> str:
        if isinstance(content, UnusableArchive):
            return str(content)
        if PurePosixPath(name).suffix.lower() not in SUFFIXES and not is_picture(content):
            return "It is not a photo."
        if len(content) > MAX_FILE_BYTES:
            return (
                f"It has {format_bytes(len(content))}; the limit is {format_bytes(MAX_FILE_BYTES)}."
            )
        if len(self.photos) >= MAX_PHOTOS:
            return f"Up to {MAX_PHOTOS} photos at a time."
        total = sum(len(one.data) for one in self.photos) + len(content)
        if total > MAX_TOTAL_BYTES:
            return f"All photos together may have {format_bytes(MAX_TOTAL_BYTES)}."
        return ""


def _unpacked(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes | UnusableArchive]]:
    for name, content in files:
        if not is_archive(name):
            yield name, content
            continue
        try:
            for path, data in entries(content, MAX_FILE_BYTES):
                nested = UnusableArchive("It is a ZIP file in a ZIP file.")
                yield f"{name}/{path}", nested if is_archive(path) else data
        except UnusableArchive as error:
            yield name, error


def _is_system_file(name: str) -> bool:
    path = PurePosixPath(name.lower())
    return path.name in _SYSTEM_FILES or any(
        part.startswith(".") or part == "__macosx" for part in path.parts
    )
