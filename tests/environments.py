"""Tools with their own lock files, each in an environment that is created once per machine."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from tests.conftest import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "landscape-classifier"


def lock_of(name: str) -> FileLock:
    """Return a lock for something in the cache that only one test process may create."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return FileLock(CACHE / f"{name}.lock")


def python_environment(name: str, requirements: Path, python: str = sys.executable) -> Path:
    """Return the `bin` folder of an environment with exactly the packages in `requirements`.

    Raises:
        subprocess.CalledProcessError: the environment could not be created; see its `stderr`.
    """
    folder = CACHE / f"{name}-{sha256(requirements.read_bytes()).hexdigest()[:16]}"
    make = [python, ROOT / "scripts" / "environment.py", folder, requirements]
    with lock_of(name):
        subprocess.run(make, check=True, capture_output=True, text=True)
    return folder / "bin"


def node_modules(name: str, lock: Path) -> Path:
    """Return the folder of the packages in a package-lock.json. package.json is beside it."""
    folder = CACHE / f"{name}-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    with lock_of(name):
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            for file in (lock, lock.with_name("package.json")):
                (folder / file.name).write_bytes(file.read_bytes())
            tools = Path(sys.executable).parent  # contains Node.js
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=folder,
                env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
                check=True,
            )
            (folder / "complete").touch()
    return folder / "node_modules"
