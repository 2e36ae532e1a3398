"""`python -m lambda_api serve`: worker processes, their start and their end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.conftest import ROOT
from tests.lambda_api.server import TIMEOUT, Server, running


@pytest.fixture
def environment(credentials: tuple[str, str], bundle: Path) -> dict[str, str]:
    return {
        **os.environ,
        "API_USERNAME": credentials[0],
        "API_PASSWORD": credentials[1],
        "MODEL_URI": str(bundle),
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def server(tmp_path: Path, credentials: tuple[str, str], bundle: Path) -> Iterator[Server]:
    with running(tmp_path, credentials, bundle, workers=2) as server:
        yield server


def python(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    return result.returncode, result.stderr


def test_workers_of_a_killed_server_end(server: Server, photo: bytes) -> None:
    answer = requests.post(
        f"{server.url}/predict", data=photo, auth=server.credentials, timeout=TIMEOUT
    )
    assert answer.status_code == 200
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert len(family) >= 2

    server.process.send_signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(family, TIMEOUT)
    assert alive == []


def test_delaying_event_loop_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    uvicorn = ["uvicorn", "lambda_api.app:create_app", "--factory", "--port=0"]
    _, error = python(tmp_path, environment, *uvicorn, "--workers=2", "--loop=asyncio")

    assert "delays each response by 40 ms" in error
    assert "failed to start, stopping the parent process" in error


def test_failed_start_is_not_repeated(tmp_path: Path, environment: dict[str, str]) -> None:
    for name in ("API_USERNAME", "API_PASSWORD"):
        del environment[name]
    environment["JWT_ISSUER"] = "https://issuer.example"

    _, error = python(tmp_path, environment, "lambda_api", "serve", "--port=0", "--workers=2")

    assert "only works on Lambda behind an HTTP API" in error
    assert "failed to start, stopping the parent process" in error


def test_invalid_settings_are_reported_once(tmp_path: Path, environment: dict[str, str]) -> None:
    del environment["API_PASSWORD"]

    code, error = python(tmp_path, environment, "lambda_api", "serve", "--port=0", "--workers=2")

    assert code == 2
    assert error == ("error: Missing or invalid settings:\n  API_PASSWORD: Field required\n")


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_number_of_workers_is_checked(
    tmp_path: Path, environment: dict[str, str], number: str
) -> None:
    code, error = python(tmp_path, environment, "lambda_api", "serve", f"--workers={number}")

    assert code == 2
    assert "is not a whole number of 1 or more" in error
