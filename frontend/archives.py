"""ZIP archives: read the files in an uploaded one, and write one sorted into folders."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import PurePosixPath

MAX_ENTRIES = 20_000  # files in an archive; reading the list of more would take seconds
_ENCRYPTED = 0x1  # ZIP specification 4.4.4, bit 0 of the general purpose flag


class UnusableArchive(Exception):
    """The archive, or a file in it, cannot be read; the text gives the reason for the visitor."""


def is_archive(name: str) -> bool:
    """Return True if a file name is that of a ZIP archive."""
    return name.lower().endswith(".zip")


def entries(data: bytes, max_bytes: int) -> Iterator[tuple[str, bytes | UnusableArchive]]:
    """Read the files of a ZIP archive.

    Args:
        data: the archive.
        max_bytes: limit on the size of one unpacked file. A larger one is not unpacked.

    Yields:
        The path of each file within the archive, and its content or the reason why it has none.

    Raises:
        UnusableArchive: the archive is damaged, or has more than `MAX_ENTRIES` files.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except zipfile.BadZipFile as error:
        raise UnusableArchive("This ZIP file is damaged. Create it again.") from error
    with archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise UnusableArchive(
                f"This ZIP file contains {len(archive.infolist()):,} files; the limit is "
                f"{MAX_ENTRIES:,}. Split it."
            )
        for entry in archive.infolist():
            if not entry.is_dir():
                yield entry.filename, _content(archive, entry, max_bytes)


def _content(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int
) -> bytes | UnusableArchive:
    if entry.flag_bits & _ENCRYPTED:
        return UnusableArchive("It is encrypted. Create the ZIP file without a password.")
    if entry.file_size > max_bytes:
        return UnusableArchive(
            f"It has {entry.file_size / 1e6:.0f} MB; the limit is {max_bytes / 1e6:.0f} MB."
        )
    try:
        return archive.read(entry)  # never more than `file_size` bytes
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        return UnusableArchive("It is damaged in the ZIP file, or compressed in an unusual way.")


def sorted_archive(files: Iterable[tuple[str, str, bytes]]) -> bytes:
    """Write a ZIP archive with one folder for each class.

    Args:
        files: folder (empty for the top), file name, and content. A path in a file name is dropped.
            Equal names in a folder get a number.
    """
    buffer = BytesIO()
    taken: set[str] = set()
    # Stored, not compressed: pictures are compressed already.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for folder, name, content in files:
            path = _free_path(_safe(folder), _safe(PurePosixPath(name).name), taken)
            archive.writestr(path, content)
    return buffer.getvalue()


def _free_path(folder: str, name: str, taken: set[str]) -> str:
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    prefix = f"{folder}/" if folder else ""
    path, number = f"{prefix}{name}", 2
    while path.casefold() in taken:  # file systems may ignore case
        path, number = f"{prefix}{stem} ({number}){suffix}", number + 1
    taken.add(path.casefold())
    return path


def _safe(name: str) -> str:
    """Replace characters that a file system may not allow, or that would leave the folder."""
    kept = "".join("_" if one in '\\/:*?"<>|' or ord(one) < 32 else one for one in name)
    return kept.strip(". ") or ("" if not name else "_")
