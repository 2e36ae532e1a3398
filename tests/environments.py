"""Tools whose pins are not ours, each in an environment of its own, made once for a machine."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "landscape-classifier"


def python_environment(name: str, requirements: Path) -> Path:
    """The folder of commands of a Python environment with just what `requirements` pins."""
    folder = CACHE / f"{name}-{sha256(requirements.read_bytes()).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, "--require-hashes", "-r", requirements], check=True)
        (folder / "complete").touch()
    return folder / "bin"


def node_modules(name: str, lock: Path) -> Path:
    """The folder of just the packages that a package-lock.json pins; package.json is beside it."""
    folder = CACHE / f"{name}-{sha256(lock.read_bytes()).hexdigest()[:16]}"
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
