"""Run the service under uvicorn in a separate process."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import pytest

from tests.conftest import ROOT

TIMEOUT = 30


@dataclass(frozen=True)
class Server:
    url: str
    credentials: tuple[str, str]
    stdout: Path
    stderr: Path
    log_dir: Path
    process: subprocess.Popen

    def lines(self) -> list[dict]:
        """Return the lines logged to stdout so far, without metrics."""
        lines = [json.loads(line) for line in self.stdout.read_text().splitlines()]
        return [line for line in lines if "_aws" not in line]

    def line_of(self, request_id: str) -> dict:
        """Wait for the line of a request and return it."""
        self.wait_for_lines({request_id})
        return next(x for x in self.lines() if x.get("request_id") == request_id)

    def wait_for_lines(self, request_ids: set[str]) -> None:
        """Wait for the lines of requests. A line is written after the response was sent."""
        for _ in range(20 * TIMEOUT):
            files = self.files()  # written after stdout
            missing = [request_id for request_id in request_ids if request_id not in files]
            if not missing:
                return
            sleep(0.05)
        pytest.fail(f"no lines with the request IDs {missing}")

    def files(self) -> str:
        """Return the content of its log files: one, or two around midnight."""
        files = sorted(self.log_dir.iterdir())
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d\.log", file.name) for file in files)
        return "".join(file.read_text() for file in files)


@contextmanager
def running(
    folder: Path,
    credentials: tuple[str, str],
    bundle: Path,
    workers: int = 1,
    **environment: str,
) -> Iterator[Server]:
    """Run a server with its output in `folder` and additional settings in `environment`."""
    settings = {
        "API_USERNAME": credentials[0],
        "API_PASSWORD": credentials[1],
        "MODEL_URI": str(bundle),
        "LOG_DIR": str(folder / "logs"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "lambda_api", "serve", f"--workers={workers}", "--port=0"]
    stdout, stderr = folder / "stdout", folder / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as error:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **settings, **environment},
            stdout=out,
            stderr=error,
        )
    try:
        url = _announced_url(process, stderr)
        yield Server(url, credentials, stdout, stderr, folder / "logs", process)
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def _announced_url(process: subprocess.Popen, stderr: Path) -> str:
    for _ in range(10 * TIMEOUT):
        found = re.search(r"running on (http://\S+:(\d+))", stderr.read_text())
        if found and _listens(int(found[2])):  # worker processes begin to listen later
            return found[1]
        if process.poll() is not None:
            break
        sleep(0.1)
    pytest.fail(f"the server did not start:\n{stderr.read_text()}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
