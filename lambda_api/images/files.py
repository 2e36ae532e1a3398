"""Picture files in folders. Training, the audit and `classify` all list files with this."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lambda_api.images import SUFFIXES
from lambda_api.images.formats import HEAD_BYTES, sniff

Kind = Literal["folder", "loop", "picture", "other"]
Above = tuple[tuple[int, int], ...]  # device and inode of the folders that contain an entry

MAX_DEPTH = 100  # nested folders; deeper is a mistake, and Python's recursion is limited

# Files and folders that are not data, by name. Names that start with a dot are in `_LEFTOVERS`.
_SYSTEM_NAMES = frozenset(
    {
        "__macosx",  # zip archives of macOS
        "icon\r",  # custom folder icons of macOS
        "network trash folder",
        "temporary items",
        "thumbs.db",  # Windows Explorer
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "$recycle.bin",
        "recycler",  # older Windows
        "recycled",
        "system volume information",
        "@eadir",  # Synology
        "@tmp",
        "#recycle",
        "#snapshot",
        "@recycle",  # QNAP
        "@recently-snapshot",
        "@__thumb",
        "lost+found",  # Linux file systems
        "lost.dir",  # Android
        "_gsdata_",  # GoodSync
        "__pycache__",
        "picasa.ini",
    }
)
_LEFTOVERS = re.compile(
    r"""
    \..*                                                  # hidden; also ._1.jpg of macOS, .git
    | ~\$.* | \#.*\# | ~syncthing~.*                      # lock files and copies of open files
    | .*~                                                 # backups of editors
    | .*\.(tmp|temp|bak|orig|sw[op]                       # temporary files and backups
        |part|partial|filepart|crdownload|opdownload|download|aria2|!ut|!qb)  # downloads
    | .*[:\uf03a]zone\.identifier                         # streams of NTFS, as WSL copies them
    | .*@syno(eastream|resource)
    | found\.\d{3}                                        # fragments that chkdsk recovers
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """A folder and everything below it, without hidden and system files.

    Symbolic links are followed, except a link to a folder that contains the link.

    Attributes:
        path: the folder.
        folders: the folders in it, sorted by name.
        pictures: the picture files in it, sorted by name. A file is a picture if its first bytes or
            its suffix are those of a picture, so a damaged `1.jpg` is one.
        others: the other files in it, sorted by name.
        hidden: number of hidden and system files and folders in it.
        loops: number of links in it that lead to a folder that contains them.
        error: the reason if the folder cannot be listed; otherwise empty.
    """

    path: Path
    folders: tuple["Folder", ...] = ()
    pictures: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    hidden: int = 0
    loops: int = 0
    error: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    def walk(self) -> Iterator["Folder"]:
        """This folder and all folders below it."""
        yield self
        for folder in self.folders:
            yield from folder.walk()

    def all_pictures(self) -> list[Path]:
        """The picture files in this folder and below, sorted by path."""
        return sorted(path for folder in self.walk() for path in folder.pictures)

    def has_pictures(self) -> bool:
        """Whether there is a picture file in this folder or below."""
        return any(folder.pictures for folder in self.walk())

    def unreadable(self) -> list["Folder"]:
        """This folder and folders below that cannot be listed."""
        return [folder for folder in self.walk() if folder.error]


@dataclass
class LeftOut:
    """Numbers of files and folders that were left out, for a message.

    Attributes:
        hidden: hidden and system files and folders; a folder counts once.
        not_pictures: files that are not pictures.
        loops: links to a folder that contains them.
        unlabeled: pictures outside of the class folders.
    """

    hidden: int = 0
    not_pictures: int = 0
    loops: int = 0
    unlabeled: int = 0

    def count(self, folder: Folder) -> None:
        """Count what is left out of one folder, without the folders in it."""
        self.hidden += folder.hidden
        self.not_pictures += len(folder.others)
        self.loops += folder.loops

    def count_all(self, folder: Folder) -> None:
        """Count what is left out of a folder and of all folders below it."""
        for each in folder.walk():
            self.count(each)

    def __bool__(self) -> bool:
        return bool(self.hidden or self.not_pictures or self.loops or self.unlabeled)

    def __str__(self) -> str:
        counts = [
            f"{self.hidden:,} hidden" if self.hidden else "",
            f"{self.not_pictures:,} not pictures" if self.not_pictures else "",
            f"{self.unlabeled:,} outside of the class folders" if self.unlabeled else "",
            f"{self.loops:,} circular links" if self.loops else "",
        ]
        return f"left out: {', '.join(filter(None, counts)) or 'nothing'}"


def is_system_file(name: str) -> bool:
    """Whether a file or folder of this name is hidden, temporary or written by a system.

    Such files are left behind by operating systems, archives, network drives, editors, downloads,
    version control and file managers. They are never data.
    """
    folded = name.casefold()
    return folded in _SYSTEM_NAMES or _LEFTOVERS.fullmatch(folded) is not None


def is_picture_file(path: Path) -> bool:
    """Whether a regular file has the suffix or the first bytes of a picture.

    The suffix suffices, so that a damaged picture is reported and not left out.
    """
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def entry_kind(path: Path, above: Above) -> Kind:
    """Return what an entry of a folder is: "loop" for a link to a folder that contains it."""
    try:
        status = path.stat()
    except OSError:  # a broken link; a picture's suffix makes it an error when it is read
        return "picture" if path.suffix.lower() in SUFFIXES else "other"
    if stat.S_ISDIR(status.st_mode):
        return "loop" if (status.st_dev, status.st_ino) in above else "folder"
    # Sockets and pipes are "other": opening one would block.
    is_picture = stat.S_ISREG(status.st_mode) and is_picture_file(path)
    return "picture" if is_picture else "other"


def scan(path: Path) -> Folder:
    """List a folder and everything below it. Folders that cannot be listed have an `error`."""
    return _scan(path, ())


@dataclass
class _Contents:
    folders: list[Folder] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    hidden: int = 0
    loops: int = 0


def _scan(path: Path, above: Above) -> Folder:
    if len(above) >= MAX_DEPTH:
        return Folder(path, error=f"More than {MAX_DEPTH} nested folders")
    try:
        status = path.stat()
        entries = sorted(path.iterdir())
    except OSError as error:
        return Folder(path, error=str(error.strerror))
    chain = (*above, (status.st_dev, status.st_ino))
    found = _Contents()
    for entry in entries:
        if is_system_file(entry.name):
            found.hidden += 1
        else:
            _add(entry, chain, found)
    return Folder(
        path,
        tuple(found.folders),
        tuple(found.pictures),
        tuple(found.others),
        found.hidden,
        found.loops,
    )


def _add(path: Path, above: Above, found: _Contents) -> None:
    match entry_kind(path, above):
        case "folder":
            found.folders.append(_scan(path, above))
        case "loop":
            found.loops += 1
        case "picture":
            found.pictures.append(path)
        case "other":
            found.others.append(path)
