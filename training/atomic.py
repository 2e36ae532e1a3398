"""Atomic writes: a file or folder is replaced as a whole, or not at all."""

from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to a hidden file beside `path`, then rename it to `path`.

    Line ends are written as they are. A process that is killed meanwhile leaves the old file, and
    perhaps `.<name>.partial`, which the next write replaces.

    Raises:
        OSError: `path` cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="")
    partial.replace(path)


def replace_folder(new: Path, folder: Path, old: Path) -> None:
    """Move `new` to `folder`, and an existing `folder` to `old`. An interruption moves it back.

    Args:
        new: the complete new folder.
        folder: on the same disk as `new`; it may be missing.
        old: an unused name on the same disk. The caller deletes it afterwards.

    Raises:
        OSError: a folder cannot be moved.
    """
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
