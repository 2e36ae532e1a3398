"""Load test of uvicorn with 32 concurrent clients: throughput, latency, errors and memory."""

import http.client
import json
import os
import re
import socket
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
    """Results of all clients, and the memory of all server processes along the way."""

    def __init__(self, process: psutil.Process, marks: tuple[int, ...]) -> None:
        self._lock, self._marks = Lock(), marks
        self._processes = [process, *process.children(recursive=True)]
        self.ms: list[float] = []
        self.errors = 0
        self.rss_mb: dict[str, float] = {}

    def add(self, ms: float, correct: bool) -> int:
        """Add a response. Returns the number of responses so far."""
        with self._lock:
            self.ms.append(ms)
            self.errors += not correct
            if len(self.ms) in self._marks:
                rss = sum(process.memory_info().rss for process in self._processes)
                self.rss_mb[f"after_{len(self.ms)}"] = round(rss / 1e6, 1)
            return len(self.ms)


def measure(seconds: float, requests: int) -> dict[str, Any]:
    """Send requests for at least `seconds` and at least `requests` times.

    Returns:
        Requests per second (the clients share the machine with the server), latencies in
        milliseconds, the number of errors and of predictions that differ from those for a single
        client, and the resident memory of the server.
    """
    data = picture()
    with _server() as (port, process):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        expected, tally = _predict(connection, data), Tally(process, (1000, requests))
        deadline = monotonic() + seconds

        def client(_: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            done = 0
            while done < requests or monotonic() < deadline:
                start = perf_counter()
                response = _predict(connection, data)
                done = tally.add((perf_counter() - start) * 1000, response == expected)

        start = monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))
        duration = monotonic() - start
    return {
        "clients": CLIENTS,
        "seconds": round(duration, 1),
        "requests": len(tally.ms),
        "requests_a_second": round(len(tally.ms) / duration, 1),
        "ms": {"p50": percentile(tally.ms, 0.5), "p99": percentile(tally.ms, 0.99)},
        "errors_or_other_answers": tally.errors,
        "rss_mb": tally.rss_mb,
    }


def _predict(connection: http.client.HTTPConnection, data: bytes) -> Any:
    """Return status and predictions for a picture."""
    connection.request("POST", "/predict", data, {"Authorization": AUTHORIZATION})
    response = connection.getresponse()
    document = json.loads(response.read())
    return response.status, document.get("predictions")


@contextmanager
def _server() -> Iterator[tuple[int, psutil.Process]]:
    """Start a server. Yields its port and process."""
    command = "-m lambda_api serve --port 0"
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
        match = re.search(r"running on http://[\d.]+:(\d+)", errors.read_text())
        if match and _listens(int(match[1])):  # worker processes begin to listen later
            return int(match[1])
        sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{errors.read_text()}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
