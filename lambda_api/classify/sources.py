"""Pictures to classify: files, folders, ZIP archives and lists, found one after the other."""

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from lambda_api.images import HEAD_BYTES, SUFFIXES, sniff
from lambda_api.images.files import MAX_DEPTH, Above, LeftOut, entry_kind, is_system_file

LISTS = frozenset({".txt", ".lst", ".list"})
MAX_MEMBER_BYTES = 500_000_000  # of a file in an archive; a larger one may be a "ZIP bomb"


@dataclass(frozen=True, slots=True)
class Source:
    """A picture to classify.

    Attributes:
        name: path to show. A file in an archive is shown as "album.zip/beach.jpg".
        path: the file, or the archive.
        member: name in the archive; empty for a file.
        relative: path below a folder of sorted pictures, without ".." and "/" at its start.
        error: the reason if the picture cannot be read; otherwise empty.
    """

    name: str
    path: str
    member: str = ""
    relative: str = ""
    error: str = ""

    def read(self) -> bytes:
        """Return the content. Raises `OSError`, also for damaged archives."""
        if not self.member:
            return Path(self.path).read_bytes()
        try:
            archive = _archive(self.path)
            if archive.getinfo(self.member).file_size > MAX_MEMBER_BYTES:
                raise OSError(0, f"over {MAX_MEMBER_BYTES:,} bytes")
            return archive.read(self.member)
        # RuntimeError: encrypted, NotImplementedError: unknown compression
        except (BadZipFile, EOFError, KeyError, RuntimeError, zlib.error) as error:
            raise OSError(0, f"damaged or encrypted archive ({error})") from error


@lru_cache(maxsize=4)
def _archive(path: str) -> ZipFile:
    return ZipFile(path)


def find(paths: Sequence[Path], left_out: LeftOut) -> Iterator[Source]:
    """Yield the pictures in order. Memory does not grow with their number.

    Folders are searched at any depth, sorted by path. Folders that cannot be listed come last, with
    their reason.

    Args:
        paths: files, folders, ".zip" archives, and ".txt", ".lst" or ".list" files with one path in
            each line. Paths in a list are relative to the working directory.
        left_out: counts the files that are left out.
    """
    unreadable: list[Source] = []
    for path in paths:
        if path.is_dir():
            for found, error in _walk(path, left_out, ()):
                # Several folders may contain the same names.
                base = path.parent if len(paths) > 1 else path
                relative = _relative(str(found.relative_to(base)))
                source = Source(str(found), str(found), relative=relative)
                if error:
                    unreadable.append(replace(source, error=f"cannot be read: {error}"))
                else:
                    yield source
        elif path.suffix.lower() == ".zip" and path.is_file():
            yield from _members(path, left_out)
        elif path.suffix.lower() in LISTS and path.is_file():
            yield from _listed(path)
        else:
            yield Source(str(path), str(path), relative=path.name)
    yield from unreadable


def _relative(path: str) -> str:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return "/".join(part for part in parts if part not in ("/", "..", "."))


def _walk(folder: Path, left_out: LeftOut, above: Above) -> Iterator[tuple[Path, str]]:
    """Yield pictures and unreadable folders, as `images.files.scan` finds them, but one by one."""
    if len(above) >= MAX_DEPTH:
        yield folder, f"More than {MAX_DEPTH} nested folders"
        return
    try:
        status = folder.stat()
        with os.scandir(folder) as entries:  # names take less memory than paths
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        yield folder, str(error.strerror)
        return
    chain = (*above, (status.st_dev, status.st_ino))
    for name in names:
        if is_system_file(name):
            left_out.hidden += 1
            continue
        path = folder / name
        match entry_kind(path, chain):
            case "folder":
                yield from _walk(path, left_out, chain)
            case "loop":
                left_out.loops += 1
            case "picture":
                yield path, ""
            case "other":
                left_out.not_pictures += 1


def _members(path: Path, left_out: LeftOut) -> Iterator[Source]:
    """Yield the pictures in an archive, sorted by name."""
    try:
        archive = _archive(str(path))
    except (BadZipFile, OSError, NotImplementedError) as error:
        yield Source(str(path), str(path), error=f"not a readable ZIP archive ({error})")
        return
    for name in sorted(set(archive.namelist())):
        if name.endswith("/"):
            continue
        source = Source(f"{path}/{name}", str(path), name, _relative(name))
        if any(is_system_file(part) for part in PurePosixPath(source.relative).parts):
            left_out.hidden += 1
        elif PurePosixPath(name).suffix.lower() in SUFFIXES or _is_picture(archive, name):
            yield source
        else:
            left_out.not_pictures += 1


def _is_picture(archive: ZipFile, name: str) -> bool:
    try:
        with archive.open(name) as file:
            return sniff(file.read(HEAD_BYTES)) is not None
    except (BadZipFile, EOFError, RuntimeError, zlib.error):
        return False


def _listed(path: Path) -> Iterator[Source]:
    """Yield the pictures of a list. A repeated line is an error."""
    seen: set[int] = set()  # hashes: 10 million lines take less than 1 GB
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
            name = os.fsdecode(text.rstrip(b"\r\n"))
            if not name.strip():
                continue
            key = hash(name)
            error = "listed more than once" if key in seen else ""
            if "\0" in name:
                error = "not a valid path"
            seen.add(key)
            yield Source(name, name, relative=_relative(name), error=error)
