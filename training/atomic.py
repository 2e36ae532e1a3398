"""Putting a finished folder in the place of the one before."""

from pathlib import Path


def put_in_place(made: Path, folder: Path, old: Path) -> None:
    """Move `made` to `folder`, and what is there to `old`; interrupted, back again.

    Args:
        made: complete.
        folder: on the same disk as `made`; it need not be there.
        old: a name that is free, where the one before may be deleted by the caller afterwards.
    """
    try:
        if folder.exists():
            folder.rename(old)
        made.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
