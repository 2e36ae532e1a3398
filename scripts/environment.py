"""Create a Python environment with exactly the packages in lock files.

`python scripts/environment.py FOLDER LOCK ...` creates FOLDER for the Python that runs the script.
The environment's own pip installs uv from requirements-uv.txt, and uv installs the lock files. No
dependency is resolved and no package is built, so neither later releases nor the version of pip
change the result.

An environment that is incomplete, was moved, or belongs to another Python is recreated. If only the
lock files have changed, it is updated. The script needs only the standard library.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

UV_LOCK = Path(__file__).resolve().parents[1] / "requirements-uv.txt"
# Written last and removed first: an environment without it is incomplete.
STAMP = ".complete"
INTERRUPTED = 130  # exit code of a program that was ended by SIGINT

FULL = (
    "The disk is full. An environment takes up to 3 GB, and uv's cache (~/.cache/uv, or "
    "UV_CACHE_DIR) as much again."
)
CHANGED = (
    "The package index sent another file than the pinned one. If PIP_INDEX_URL or "
    "UV_DEFAULT_INDEX names a mirror, report this to its operator."
)
UNTRUSTED = (
    "The certificate of the package index is not trusted. Set SSL_CERT_FILE and PIP_CERT to the "
    "file with your organization's certificates."
)
UNREACHABLE = (
    "The package index cannot be reached, or lacks a pinned version. Check the network. Set "
    "HTTPS_PROXY for a proxy, or PIP_INDEX_URL for another index."
)
NO_VENV = "This Python has no complete venv. On Debian and Ubuntu: apt-get install python3-venv."
# Parts of the messages of venv, pip and uv. The first match is used.
REMEDIES = {
    "No space left on device": FULL,
    "DO NOT MATCH THE HASHES": CHANGED,
    "Hash mismatch": CHANGED,
    "CERTIFICATE_VERIFY_FAILED": UNTRUSTED,
    "invalid peer certificate": UNTRUSTED,
    "Could not find a version": UNREACHABLE,
    "Failed to fetch": UNREACHABLE,
    "Failed to download": UNREACHABLE,
    "No module named ensurepip": NO_VENV,
}


Command = Sequence[str | Path]


class StepError(RuntimeError):
    """A command failed. The message says what to do."""


def make(folder: Path, locks: Sequence[Path]) -> None:
    """Create or update the environment `folder` with exactly the packages in `locks`.

    Args:
        folder: replaced if it is not a complete environment of this Python.
        locks: requirements files in which every package is pinned and hashed.

    Raises:
        StepError: a command failed. The next call recreates the environment.
        OSError: a lock file cannot be read, or the folder cannot be written.
    """
    stamp = folder / STAMP
    python = folder / "bin" / "python"
    base, packages = _base(folder), _digests([UV_LOCK, *locks])
    found = stamp.read_text(encoding="utf-8").split("\n") if stamp.exists() else []
    usable = found[:2] == base and python.exists()
    if usable and found[2:] == packages:
        return
    stamp.unlink(missing_ok=True)
    verb = "Updating" if usable else "Creating"
    print(f"{verb} {folder} with Python {base[0]}; this can take some minutes.", flush=True)
    if not usable:
        # This script may run in the environment that is replaced: use the base interpreter.
        interpreter = getattr(sys, "_base_executable", sys.executable)
        _run([interpreter, "-m", "venv", "--clear", "--without-pip", folder])
        # venv can do this too, but hides the error message.
        _run([python, "-m", "ensurepip", "--upgrade", "--default-pip"])
    pip: Command = [python, "-m", "pip", "--disable-pip-version-check"]
    install: Command = [*pip, "install", "--quiet", "--no-compile", "--no-deps"]
    _run([*install, "--require-hashes", "--requirement", UV_LOCK])
    environment = {**os.environ, **uv_settings(os.environ, _run([*pip, "config", "list"]))}
    sync: Command = [folder / "bin" / "uv", "pip", "sync", "--quiet", "--python", python]
    _run([*sync, "--require-hashes", "--no-build", *locks], environment)
    stamp.write_text("\n".join([*base, *packages]), encoding="utf-8")


def uv_settings(environment: Mapping[str, str], pip_config: str) -> dict[str, str]:
    """Translate pip's settings, which uv does not read, into environment variables of uv.

    Args:
        environment: variables that are already set; they take precedence.
        pip_config: the output of `pip config list`, one `section.name='value'` per line.
    """
    found: dict[str, str] = {}
    for section in (
        "global",
        "install",
        ":env:",
    ):  # pip's order: the last one wins
        for line in pip_config.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(f"{section}."):
                found[key.removeprefix(f"{section}.")] = value.strip("'\"")
    settings = {}
    for name, variables in {
        "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
        "cert": ("SSL_CERT_FILE",),
        "proxy": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    }.items():
        if name in found and not any(variable in environment for variable in variables):
            settings[variables[0]] = found[name]
    return settings


def _base(folder: Path) -> list[str]:
    """Return the properties that an environment is bound to: Python version and folder."""
    return [f"{sys.version_info.major}.{sys.version_info.minor}", str(folder.resolve())]


def _digests(locks: Sequence[Path]) -> list[str]:
    return [hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks]


def _run(command: Command, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output. Raises `StepError` after printing its output."""
    run = subprocess.run(  # noqa: S603 - our own command
        command,
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if run.returncode:
        print(run.stdout, file=sys.stderr, end="")
        remedy = next((text for part, text in REMEDIES.items() if part in run.stdout), None)
        raise StepError(remedy or f"{Path(command[0]).name} failed. See its output above.")
    return run.stdout


def main(arguments: Sequence[str]) -> int:
    """Run the command line. Returns the exit code: 0, 1 for a failure, or 130 after Ctrl-C."""
    folder, *locks = map(Path, arguments)
    again = f"The next run recreates {folder}."
    try:
        make(folder, locks)
    except KeyboardInterrupt:
        print(f"Interrupted. {again}", file=sys.stderr)
        return INTERRUPTED
    except (StepError, OSError) as error:
        print(f"error: {error}\nThen run the same command again. {again}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
