"""Environments created from lock files, and the messages of failures."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from scripts.environment import STAMP, UV_LOCK, uv_settings
from tests.checkout import copy_project
from tests.conftest import ROOT, skip_or_fail
from tests.once import make_once

SCRIPT = ROOT / "scripts" / "environment.py"
# No server listens on this port.
NO_NETWORK = {
    "PIP_RETRIES": "0",
    "PIP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "UV_HTTP_RETRIES": "0",
}
# Settings that would install elsewhere, or something else.
OF_THE_MACHINE = {
    "PIP_CONSTRAINT": "/nonexistent",
    "PIP_NO_BINARY": ":all:",
    "PIP_TARGET": "/nonexistent",
    "PIP_USER": "1",
    "UV_CONSTRAINT": "/nonexistent",
}


def run(folder: Path, *locks: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, folder, *locks],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that contains only uv, made by a second run after one without a network."""

    def make(folder: Path) -> None:
        failed = run(folder, UV_LOCK, **NO_NETWORK)
        assert failed.returncode == 1
        assert not (folder / STAMP).exists()
        done = run(folder, UV_LOCK, **OF_THE_MACHINE)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "failed.txt").write_text(failed.stderr)

    return make_once(tmp_path_factory, "environments/made", make)


@pytest.fixture
def environment(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change, with a stamp for its new folder."""
    folder = tmp_path / "environment"
    shutil.copytree(made, folder, symlinks=True)
    stamp = folder / STAMP
    stamp.write_text(stamp.read_text().replace(str(made.resolve()), str(folder.resolve())))
    return folder


def test_environment_contains_exactly_the_locked_packages(made: Path) -> None:
    python = made / "bin" / "python"
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    names = {line.partition("==")[0] for line in listed}
    assert names - {"setuptools"} == {"pip", "uv"}  # venv of Python 3.11 adds setuptools
    pins = UV_LOCK.read_text()
    assert next(line for line in listed if line.startswith("uv==")) in pins


def test_current_environment_is_not_changed(environment: Path) -> None:
    done = run(environment, UV_LOCK, **NO_NETWORK)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def without_stamp_content(environment: Path) -> None:
    (environment / STAMP).write_text("")


def python_removed(environment: Path) -> None:
    for python in (environment / "bin").glob("python*"):
        python.unlink()


def moved(environment: Path) -> None:
    text = (environment / STAMP).read_text()
    (environment / STAMP).write_text(text.replace(str(environment.resolve()), "/elsewhere"))


def of_another_python(environment: Path) -> None:
    text = (environment / STAMP).read_text()
    (environment / STAMP).write_text(text.replace(os.path.realpath(sys.base_prefix), "/usr"))


def damaged_stamp(environment: Path) -> None:
    (environment / STAMP).write_bytes(b"\xff\xfe")


def replaced_by_a_file(environment: Path) -> None:
    shutil.rmtree(environment)
    environment.touch()


def replaced_by_a_link(environment: Path) -> None:
    environment.rename(environment.with_name("other"))
    environment.symlink_to("other")


UNUSABLE = (
    without_stamp_content,
    python_removed,
    moved,
    of_another_python,
    damaged_stamp,
    replaced_by_a_file,
    replaced_by_a_link,
)


@pytest.fixture
def no_ensurepip(tmp_path: Path) -> dict[str, str]:
    """Variables of a Python without ensurepip, such as Debian's without python3-venv."""
    module = tmp_path / "debian" / "ensurepip.py"
    module.parent.mkdir()
    module.write_text("raise ModuleNotFoundError('No module named ensurepip')\n")
    return {"PYTHONPATH": str(module.parent)}


@pytest.mark.parametrize("change", UNUSABLE)
def test_unusable_environment_is_recreated(
    environment: Path, change: Callable[[Path], None], no_ensurepip: dict[str, str]
) -> None:
    (environment / "left-over").touch()
    change(environment)

    # Stops at a later step, because a whole environment takes seconds.
    failed = run(environment, UV_LOCK, **no_ensurepip)

    assert f"Creating {environment}" in failed.stdout
    assert not (environment / "left-over").exists()
    assert failed.returncode == 1
    assert "On Debian and Ubuntu: apt-get install python3-venv" in failed.stderr
    assert not (environment / STAMP).exists()


def test_missing_network_is_reported_and_the_next_run_recovers(made: Path) -> None:
    message = (made / "failed.txt").read_text()
    assert "The package index cannot be reached" in message
    assert "run the same command again" in message
    assert "Traceback" not in message

    assert (made / "bin" / "uv").exists()
    assert (made / STAMP).exists()


def test_changed_lock_updates_the_environment(environment: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(UV_LOCK.read_text() + "\n# changed\n")
    (environment / "left-over").touch()

    done = run(environment, lock)

    assert done.returncode == 0, done.stderr
    assert f"Updating {environment}" in done.stdout
    assert (environment / "left-over").exists()


def test_package_with_another_hash_is_rejected(environment: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    digest = "0" * 64
    lock.write_text(f"iniconfig==2.3.0 --hash=sha256:{digest}\n")

    done = run(environment, lock)

    assert done.returncode == 1
    assert "another file than the pinned one" in done.stderr
    assert not (environment / STAMP).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [("size=4m", "\nerror: The disk is full"), ("ro", "\nThe folder cannot be written.")],
)
def test_full_or_read_only_disk_is_reported(tmp_path: Path, options: str, message: str) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        skip_or_fail("a small file system needs root and unshare")
    mount = f"mount -t tmpfs -o {options} tmpfs {tmp_path}"
    command = f"{mount} && exec {sys.executable} {SCRIPT} {tmp_path}/environment {UV_LOCK}"

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True
    )

    assert done.returncode == 1
    assert message in done.stderr  # below pip's own traceback


def test_second_run_waits_for_the_first(environment: Path) -> None:
    stamp = environment / STAMP
    complete = stamp.read_bytes()
    stamp.unlink()
    with Path(f"{environment}.setup-lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [sys.executable, SCRIPT, environment, UV_LOCK], stdout=subprocess.PIPE, text=True
        )
        assert second.stdout
        assert "Waiting for another run" in second.stdout.readline()
        stamp.write_bytes(complete)

    printed, _ = second.communicate(timeout=60)

    assert (second.returncode, printed) == (0, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_environment_is_not_complete(tmp_path: Path, number: int, code: int) -> None:
    folder = tmp_path / "environment"
    process = subprocess.Popen(
        [sys.executable, SCRIPT, folder, UV_LOCK],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not folder.exists():
        assert process.poll() is None
        time.sleep(0.01)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == code
    running = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    assert not [command for command in running if str(folder) in command]
    assert "Interrupted." in errors
    assert not (folder / STAMP).exists()


def test_make_reports_the_supported_pythons(tmp_path: Path) -> None:
    copy_project(("Makefile", "requirements.txt"), tmp_path)

    done = subprocess.run(
        ["make", "setup", "PYTHON=false"], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "PYTHON=false cannot be used" in done.stderr
    assert "Python 3.11 to 3.13 with venv" in done.stderr
    assert "PYTHON=/path/to/python" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_accepts_a_python_in_a_path_with_a_blank(tmp_path: Path) -> None:
    names = ("Makefile", "requirements.txt", "requirements-uv.txt", "scripts")
    checkout = copy_project(names, tmp_path)
    python = tmp_path / "my python"
    python.symlink_to(Path(sys.base_prefix) / "bin" / "python3")

    done = subprocess.run(
        ["make", "setup", f"PYTHON={python}"], cwd=checkout, capture_output=True, text=True,
        env={**os.environ, **NO_NETWORK},
    )  # fmt: skip

    assert "Creating .venv" in done.stdout
    assert done.returncode == 2


def test_pip_settings_apply_to_uv_unless_uv_has_its_own() -> None:
    configured = (
        ":env:.index-url='https://of-the-environment.test/simple'\n"
        "global.cert='/etc/certificates.pem'\n"
        "global.index-url='https://of-the-file.test/simple'\n"
        "global.timeout='60'\n"
        "install.proxy='http://proxy.test:3128'\n"
    )

    assert uv_settings({}, configured) == {
        "UV_DEFAULT_INDEX": "https://of-the-environment.test/simple",
        "SSL_CERT_FILE": "/etc/certificates.pem",
        "HTTPS_PROXY": "http://proxy.test:3128",
    }
    own = {"UV_INDEX_URL": "x", "SSL_CERT_FILE": "x", "ALL_PROXY": "x"}
    assert uv_settings(own, configured) == {}
