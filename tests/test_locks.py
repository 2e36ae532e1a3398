"""Completeness of the lock files, so that later releases do not affect an installation."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, skip_or_fail

LINUX, MACOS = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
TARGETS = (("3.11", LINUX), ("3.12", LINUX), ("3.13", LINUX), ("3.13", MACOS))
LOCKS = sorted(
    path
    for path in ROOT.rglob("requirements*.txt")
    if path.with_suffix(".in").exists() and not path.relative_to(ROOT).parts[0].startswith(".")
)
# Packages of the container images, which may be built for arm64.
ARM64 = "aarch64-unknown-linux-gnu"
IN_IMAGES = [ROOT / part / "requirements.txt" for part in ("lambda_api", "frontend")]
TFLITE = ROOT / "tests" / "convert" / "tflite_runtime" / "requirements.txt"


def targets() -> list[object]:
    """Return each lock file with the Python versions and platforms that it supports."""
    return [
        pytest.param(lock, python, platform, id=f"{lock.relative_to(ROOT)}-{python}-{platform}")
        for lock in LOCKS
        for python, platform in (
            TARGETS[:1]
            if lock == TFLITE
            else (*TARGETS, ("3.13", ARM64))
            if lock in IN_IMAGES
            else TARGETS
        )
    ]


def resolved(lock: Path, python: str, platform: str, *options: str) -> set[str]:
    """Resolve a lock file with uv. Returns requirements as `name[extras]==version`."""
    uv = [Path(sys.executable).with_name("uv"), "pip", "compile", lock, "--quiet"]
    target = [f"--python={sys.executable}", f"--python-version={python}"]
    output = ["--no-strip-extras", "--no-annotate", "--no-header", "--only-binary=:all:"]
    command = [*uv, *target, f"--python-platform={platform}", *output, *options]
    # The metadata of a version never changes, so try uv's cache first, then the index.
    run = subprocess.run([*command, "--offline"], capture_output=True, text=True)
    if run.returncode:
        run = subprocess.run(command, capture_output=True, text=True)
    if "Failed to fetch" in run.stderr:
        skip_or_fail(f"package metadata is not available from the index: {run.stderr}")
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines())


@pytest.mark.parametrize(("lock", "python", "platform"), targets())
def test_lock_pins_every_dependency(lock: Path, python: str, platform: str) -> None:
    """Resolving with and without dependencies gives the same pins, including extras.

    uv reads the metadata of every pinned package, so this covers environment markers too. It only
    uses wheels, so every pinned version has one.
    """
    pinned = resolved(lock, python, platform, "--no-deps")

    assert pinned
    assert resolved(lock, python, platform) == pinned


def test_missing_extra_is_detected(tmp_path: Path) -> None:
    """Without the extra, a later release of coverage once broke the installation."""
    (tmp_path / "requirements.txt").write_text("coverage==7.17.3\npluggy==1.7.0\npytest-cov==7.1.0")
    lock = tmp_path / "requirements.txt"

    needed = resolved(lock, "3.11", LINUX) - resolved(lock, "3.11", LINUX, "--no-deps")

    assert "coverage[toml]==7.17.3" in needed
    assert any(name.startswith("pytest==") for name in needed)
