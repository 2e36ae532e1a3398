"""Every lock is complete, so that an installation depends on no later release."""

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
TFLITE = ROOT / "tests" / "convert" / "tflite_runtime" / "requirements.txt"


def targets() -> list[object]:
    """Each lock with the Pythons and platforms that it is for."""
    return [
        pytest.param(lock, python, platform, id=f"{lock.relative_to(ROOT)}-{python}-{platform}")
        for lock in LOCKS
        for python, platform in (TARGETS[:1] if lock == TFLITE else TARGETS)
    ]


def resolved(lock: Path, python: str, platform: str, *options: str) -> set[str]:
    """The requirements, as `name[extras]==version`, to which uv resolves a lock."""
    uv = [Path(sys.executable).with_name("uv"), "pip", "compile", lock, "--quiet"]
    target = [f"--python={sys.executable}", f"--python-version={python}"]
    how = ["--no-strip-extras", "--no-annotate", "--no-header", "--only-binary=:all:"]
    command = [*uv, *target, f"--python-platform={platform}", *how, *options]
    # What uv has cached of a version does not change; the index is asked for the rest.
    run = subprocess.run([*command, "--offline"], capture_output=True, text=True)
    if run.returncode:
        run = subprocess.run(command, capture_output=True, text=True)
    if "Failed to fetch" in run.stderr:
        skip_or_fail(f"this needs the metadata of packages from the index: {run.stderr}")
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines())


@pytest.mark.parametrize(("lock", "python", "platform"), targets())
def test_every_requirement_of_a_pinned_package_is_met_by_a_pin(
    lock: Path, python: str, platform: str
) -> None:
    """With dependencies, uv must find the very pins, extras included, that it finds without.

    The resolver reads the metadata of every pinned package, so that this covers the markers of the
    Python and the platform, and wheels only.
    """
    pinned = resolved(lock, python, platform, "--no-deps")

    assert pinned
    assert resolved(lock, python, platform) == pinned


def test_a_lock_without_an_extra_that_a_package_requires_is_found(tmp_path: Path) -> None:
    """As requirements.txt once was: later releases of coverage made it impossible to install."""
    (tmp_path / "requirements.txt").write_text("coverage==7.17.3\npluggy==1.7.0\npytest-cov==7.1.0")
    lock = tmp_path / "requirements.txt"

    needed = resolved(lock, "3.11", LINUX) - resolved(lock, "3.11", LINUX, "--no-deps")

    assert "coverage[toml]==7.17.3" in needed
    assert any(name.startswith("pytest==") for name in needed)
