"""Requests per second of servers under load from wrk, a load generator in C."""

import http.client
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.peers import environments
from benchmarks.peers.cold_start import BUNDLE
from benchmarks.ports import free_port
from benchmarks.service.child import AUTHORIZATION, BOUNDARY, ENVIRONMENT, form, percentile, picture
from lambda_api.workers import PROCESSORS

CLIENTS = (1, 8, 32)
START_LIMIT_S = 120
FIELDS = {"litserve": "request"}  # name of the picture's field in the form, if not "file"
# Arguments of the environment's Python. Each server has one worker process per processor.
SERVERS: dict[str, tuple[str, str]] = {
    "the service": ("service", "-m lambda_api serve --port {port}"),
    "the service, one process": ("service", "-m lambda_api serve --port {port} --workers 1"),
    "FastAPI, uvicorn": (
        "fastapi",
        "-m uvicorn fastapi_app:app --port {port} --workers {workers} --no-access-log",
    ),
    "Flask, gunicorn": (
        "flask",
        "-m gunicorn flask_app:app --bind 127.0.0.1:{port} --workers {workers}",
    ),
    "LitServe": ("litserve", "{programs}/litserve_app.py {port} {workers}"),
    "Ray Serve": ("ray", "{programs}/ray_app.py {port} {workers}"),
    "BentoML": (
        "bentoml",
        "-m bentoml serve bentoml_app:Service --port {port} --working-dir {programs}",
    ),
}
_SCRIPT = """
wrk.method = "POST"
wrk.headers["Authorization"] = "{authorization}"
wrk.headers["Content-Type"] = "multipart/form-data; boundary={boundary}"
local file = assert(io.open("{body}", "rb"))
wrk.body = file:read("*all")
file:close()
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %.3f %.3f %d\\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
"""


def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Load each server with each number of clients, in turn, `rounds` times.

    Returns:
        By server: seconds to the first answer, resident and proportional memory in MB of all
        processes, and by number of clients the median, least and largest requests per second, the
        medians of p50 and p99 in milliseconds, the processor time per request in milliseconds, and
        the number of responses other than 200.
    """
    if which("wrk") is None:
        raise RuntimeError("wrk is missing. On Debian and Ubuntu: apt-get install wrk")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, (environment, arguments) in SERVERS.items():
            print(f"{name} ...", flush=True)
            found[name].append(_round(environment, arguments, seconds))
    return {name: _summary(results) for name, results in found.items()}


def _round(environment: str, arguments: str, seconds: float) -> dict[str, Any]:
    body = form(picture(), FIELDS.get(environment, "file"))
    with (
        TemporaryDirectory() as folder,
        _running(environment, arguments, Path(folder), body) as server,
    ):
        port, process, start_s = server
        result: dict[str, Any] = {"start_s": start_s}
        for clients in CLIENTS:
            _wrk(port, clients, 1, Path(folder), body)  # warm-up
            before = _cpu_s(process)
            load = _wrk(port, clients, seconds, Path(folder), body)
            load["cpu_ms"] = (_cpu_s(process) - before) * 1000 / max(load["requests"], 1)
            result[str(clients)] = load
        family = [process, *process.children(recursive=True)]
        memory = [each.memory_full_info() for each in family]
        result["rss_mb"] = sum(each.rss for each in memory) / 1e6
        result["pss_mb"] = sum(each.pss for each in memory) / 1e6
        return result


def _wrk(port: int, clients: int, seconds: float, folder: Path, body: bytes) -> dict[str, float]:
    script = folder / "load.lua"
    (folder / "body").write_bytes(body)
    script.write_text(
        _SCRIPT.format(authorization=AUTHORIZATION, boundary=BOUNDARY, body=folder / "body")
    )
    address = f"http://127.0.0.1:{port}/predict"
    options = f"--threads 1 --connections {clients} --duration {seconds:.0f}s --timeout 10s"
    output = subprocess.run(  # noqa: S603 - our own command
        ["wrk", *options.split(), "--latency", "--script", script, address],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    match = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", output)
    if match is None:
        raise RuntimeError(f"unexpected output of wrk:\n{output}")
    requests, us, p50, p99, failed = map(float, match.groups())
    return {
        "requests": requests, "rate": requests / us * 1e6, "p50": p50, "p99": p99, "failed": failed,
    }  # fmt: skip


def _summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {
        name: round(percentile([result[name] for result in results], 0.5), 2)
        for name in ("start_s", "rss_mb", "pss_mb")
    }
    for clients in map(str, CLIENTS):
        rates = [result[clients]["rate"] for result in results]
        summary[clients] = {
            "requests_a_second": round(percentile(rates, 0.5), 1),
            "min": round(min(rates), 1),
            "max": round(max(rates), 1),
            "failed": sum(result[clients]["failed"] for result in results),
            **{
                name: round(percentile([result[clients][name] for result in results], 0.5), 2)
                for name in ("p50", "p99", "cpu_ms")
            },
        }
    return summary


def _cpu_s(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (each.cpu_times() for each in family))


@contextmanager
def _running(
    environment: str, arguments: str, folder: Path, body: bytes
) -> Iterator[tuple[int, psutil.Process, float]]:
    """Start a server. Yields its port, its process and the seconds until its first answer."""
    port = free_port()
    python = environments.python(environment)
    programs = environments.PROGRAMS
    command = arguments.format(port=port, workers=PROCESSORS, programs=programs).split()
    root = environments.ROOT if environment == "service" else programs
    start = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [python, *command],
            cwd=folder,
            env={
                **os.environ, **ENVIRONMENT, "BUNDLE": str(BUNDLE), "PYTHONPATH": str(root),
                "OPENBLAS_NUM_THREADS": "1", "WORKERS": str(PROCESSORS),
                "BENTOML_HOME": str(folder), "BENTOML_DO_NOT_TRACK": "True",
                "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_USAGE_STATS_ENABLED": "0",
            },
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(port, process, start + START_LIMIT_S, folder / "log", body)
            yield port, psutil.Process(process.pid), time.perf_counter() - start
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(
    port: int, process: subprocess.Popen[bytes], deadline: float, log: Path, body: bytes
) -> None:
    """Wait until a picture is classified."""
    headers = {
        "Authorization": AUTHORIZATION,
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    while time.perf_counter() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", "/predict", body, headers)
            if connection.getresponse().status == http.client.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")
