"""32 clients at once on uvicorn: requests a second, errors, and what happens to the memory."""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic, perf_counter, sleep
from typing import Any

import psutil

from benchmarks.service.child import AUTHORIZATION, ENVIRONMENT, percentile, picture

CLIENTS = 32
START_LIMIT_S = 60


class Tally:
    """What the clients have seen together."""

    def __init__(self, process: psutil.Process, marks: tuple[int, ...]) -> None:
        self._lock, self._process, self._marks = Lock(), process, marks
        self.ms: list[float] = []
        self.wrong = 0
        self.rss_mb: dict[str, float] = {}

    def add(self, ms: float, right: bool) -> int:
        """Count an answer; how many there are now."""
        with self._lock:
            self.ms.append(ms)
            self.wrong += not right
            if len(self.ms) in self._marks:
                rss = self._process.memory_info().rss
                self.rss_mb[f"after_{len(self.ms)}"] = round(rss / 1e6, 1)
            return len(self.ms)


def measure(seconds: float, requests: int) -> dict[str, Any]:
    """Ask for `seconds`, and on until there were `requests`.

    Returns:
        Requests a second (the clients run on the same machine and take their part of it),
        latencies in milliseconds, answers that were errors or differed from the one that a single
        client got before, and the server's resident memory on the way.
    """
    data = picture()
    with _server() as (port, process):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        expected, tally = _ask(connection, data), Tally(process, (1000, requests))
        deadline = monotonic() + seconds

        def client(_: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            done = 0
            while done < requests or monotonic() < deadline:
                start = perf_counter()
                answer = _ask(connection, data)
                done = tally.add((perf_counter() - start) * 1000, answer == expected)

        start = monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))
        took = monotonic() - start
    return {
        "clients": CLIENTS,
        "seconds": round(took, 1),
        "requests": len(tally.ms),
        "requests_a_second": round(len(tally.ms) / took, 1),
        "ms": {"p50": percentile(tally.ms, 0.5), "p99": percentile(tally.ms, 0.99)},
        "errors_or_other_answers": tally.wrong,
        "rss_mb": tally.rss_mb,
    }


def _ask(connection: http.client.HTTPConnection, data: bytes) -> Any:
    """What a picture was answered with, but for what differs each time."""
    connection.request("POST", "/predict", data, {"Authorization": AUTHORIZATION})
    response = connection.getresponse()
    document = json.loads(response.read())
    return response.status, document.get("predictions")


@contextmanager
def _server() -> Iterator[tuple[int, psutil.Process]]:
    """A server's port and process."""
    command = "-m uvicorn lambda_api.app:create_app --factory --no-access-log --port 0"
    with TemporaryDirectory() as folder, (Path(folder) / "stderr").open("w+") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, *command.split()],
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            yield _port(Path(folder) / "stderr"), psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def _port(errors: Path) -> int:
    deadline = monotonic() + START_LIMIT_S
    while monotonic() < deadline:
        if found := re.search(r"running on http://[\d.]+:(\d+)", errors.read_text()):
            return int(found[1])
        sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{errors.read_text()}")
