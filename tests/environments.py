"""Tools with pins of their own, each in an environment that is made once per machine."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from tests.conftest import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "landscape-classifier"


def lock_of(name: str) -> FileLock:
    """The lock of what is made once in the cache by one of several test processes."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return FileLock(CACHE / f"{name}.lock")


def python_environment(name: str, requirements: Path, python: str = sys.executable) -> Path:
    """Return the folder of commands of an environment with exactly what `requirements` pins.

    Raises:
        subprocess.CalledProcessError: it could not be made; the reason is in its `stderr`.
    """
    folder = CACHE / f"{name}-{sha256(requirements.read_bytes()).hexdigest()[:16]}"
    make = [python, ROOT / "scripts" / "environment.py", folder, requirements]
    with lock_of(name):
        subprocess.run(make, check=True, capture_output=True, text=True)
    return folder / "bin"


def node_modules(name: str, lock: Path) -> Path:
    """The folder of just the packages that a package-lock.json pins; package.json is beside it."""
    folder = CACHE / f"{name}-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    with lock_of(name):
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            for file in (lock, lock.with_name("package.json")):
                (folder / file.name).write_bytes(file.read_bytes())
            tools = Path(sys.executable).parent  # Node.js is there
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=folder,
                env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
                check=True,
            )
            (folder / "complete").touch()
    return folder / "node_modules"
