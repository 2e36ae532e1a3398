"""Expensive fixtures that are created once and shared by the workers of a test run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder `name` of this test run, filled by the first worker that needs it.

    Args:
        factory: pytest's factory; its folder is shared by the workers.
        name: path of the folder below the folder of the test run.
        make: fills the folder, which does not exist yet. If it fails, the next worker tries again.
    """
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, complete = shared / name, shared / f"{name}.complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(shared / f"{name}.lock"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            complete.touch()
    return folder
