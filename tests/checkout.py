"""Copies of the parts of the project that a command needs."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import ROOT


def copy_project(names: Iterable[str], folder: Path) -> Path:
    """Copy files and folders of the project into `folder`. Returns `folder`."""
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder
