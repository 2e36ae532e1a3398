"""Create a Python environment with exactly the packages in lock files.

`python scripts/environment.py FOLDER LOCK ...` creates FOLDER for the Python that runs the script.
The environment's own pip installs uv from requirements-uv.txt, and uv installs the lock files. No
dependency is resolved and no package is built, so neither later releases nor the version of pip
change the result.

An environment that is incomplete, was moved, or belongs to another Python is recreated. If only the
lock files have changed, it is updated. A second run waits for the first one. The script needs only
the standard library.
"""

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

UV_LOCK = Path(__file__).resolve().parents[1] / "requirements-uv.txt"
# Written last and removed first: an environment without it is incomplete.
STAMP = ".complete"
# Settings of pip and uv that would install elsewhere, or something else than the lock files.
IGNORED = (
    "PIP_CONSTRAINT", "PIP_NO_BINARY", "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER",
    "UV_CONSTRAINT", "UV_OVERRIDE",
)  # fmt: skip

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
READ_ONLY = "The folder cannot be written. Make it writable, or use a copy of the checkout."
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
    "Read-only file system": READ_ONLY,
    "Permission denied": READ_ONLY,
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
    if _state(folder, locks) == "current":
        return
    with _lock(folder) as lock:
        if (state := _state(folder, locks)) != "current":  # another run may have made it meanwhile
            _make(folder, locks, lock, update=state == "outdated")


def _state(folder: Path, locks: Sequence[Path]) -> str:
    """Return "current", "outdated" if only the lock files have changed, or "unusable"."""
    stamp = folder / STAMP
    found = (
        stamp.read_text(encoding="utf-8", errors="replace").split("\n") if stamp.exists() else []
    )
    base = _base(folder)
    if found[: len(base)] != base or not (folder / "bin" / "python").exists():
        return "unusable"
    return "current" if found[len(base) :] == _digests(locks) else "outdated"


def _make(folder: Path, locks: Sequence[Path], lock: int, *, update: bool) -> None:
    verb = "Updating" if update else "Creating"
    print(
        f"{verb} {folder} with Python {_base(folder)[0]}; this can take some minutes.", flush=True
    )
    stamp, python = folder / STAMP, folder / "bin" / "python"
    settings = {name: value for name, value in os.environ.items() if name not in IGNORED}

    def run(*command: str | Path, **more: str) -> str:
        return _run(command, {**settings, **more}, lock)

    if update:
        stamp.unlink()
    else:
        if folder.is_symlink() or folder.is_file():  # venv can clear only a folder
            folder.unlink()
        stamp.unlink(missing_ok=True)
        # This script may run in the environment that is replaced: use the base interpreter.
        interpreter = getattr(sys, "_base_executable", sys.executable)
        run(interpreter, "-m", "venv", "--clear", "--without-pip", folder)
        # venv can do this too, but hides the error message.
        run(python, "-m", "ensurepip", "--upgrade", "--default-pip")
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    install = (*pip, "install", "--quiet", "--no-compile", "--no-deps", "--only-binary=:all:")
    run(*install, "--require-hashes", "--requirement", UV_LOCK)
    of_pip = uv_settings(settings, run(*pip, "config", "list"))
    sync = (folder / "bin" / "uv", "pip", "sync", "--quiet", "--python", python)
    run(*sync, "--require-hashes", "--no-build", *locks, **of_pip)
    stamp.write_text("\n".join([*_base(folder), *_digests(locks)]), encoding="utf-8")


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Wait until no other run changes the environment. Yields the lock's file descriptor.

    Programs that this run starts inherit the lock: it holds until they have ended too.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(f"{folder}.setup-lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another run that makes {folder} ...", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


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
    """Return what an environment is bound to: Python's version and its folder, and the folder."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [version, os.path.realpath(sys.base_prefix), str(folder.resolve())]


def _digests(locks: Sequence[Path]) -> list[str]:
    return [hashlib.sha256(lock.read_bytes()).hexdigest() for lock in (UV_LOCK, *locks)]


def _run(command: Sequence[str | Path], environment: Mapping[str, str], lock: int) -> str:
    """Run a command and return its output. Raises `StepError` after printing its output."""
    run = subprocess.run(  # noqa: S603 - our own command
        command,
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
    )
    if run.returncode:
        print(run.stdout, file=sys.stderr, end="")
        raise StepError(
            _remedy(run.stdout) or f"{Path(command[0]).name} failed. See its output above."
        )
    return run.stdout


def _remedy(message: str) -> str | None:
    return next((text for part, text in REMEDIES.items() if part in message), None)


def _stop(number: int, _: object) -> None:
    raise KeyboardInterrupt(number)


def main(arguments: Sequence[str]) -> int:
    """Run the command line.

    Returns:
        0, 1 for a failure, or 128 and the number of the signal that stopped it.
    """
    folder, *locks = map(Path, arguments)
    again = f"The next run recreates {folder}."
    signal.signal(signal.SIGTERM, _stop)
    try:
        make(folder, locks)
    except KeyboardInterrupt as error:
        print(f"Interrupted. {again}", file=sys.stderr)
        return 128 + int(error.args[0] if error.args else signal.SIGINT)
    except (StepError, OSError) as error:
        remedy = _remedy(f"{error}") if isinstance(error, OSError) else None
        reason = f"{error}\n{remedy}" if remedy else f"{error}"
        print(f"error: {reason}\nThen run the same command again. {again}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
