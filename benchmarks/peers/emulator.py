"""From the first request to its response through AWS' Runtime Interface Emulator."""

import os
import platform
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import requests

from benchmarks.peers import cold_start, environments
from benchmarks.peers.cold_start import BUNDLE, Kind, event_for, ratio
from benchmarks.peers.inference import network
from benchmarks.ports import free_port, wait_until_open
from benchmarks.service.child import percentile

# The first one is what the others are compared with.
KINDS: dict[str, Kind] = {
    **cold_start.PEERS,
    "ONNX Runtime, float32, without a framework": ("onnxruntime", "lambda_onnx", {}),
}
# `python -m awslambdaric HANDLER`, whose own packages must not replace those of the environment.
_CLIENT = """
import runpy, sys
sys.path.append({packages!r})
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""
MACHINE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
WARM = 20  # requests after the first one
LIMIT_S = 60


def measure(starts: int, kinds: dict[str, Kind]) -> dict[str, Any]:
    """Start an emulator for each kind in turn. It starts the handler at the first request.

    Args:
        starts: counted starts of each kind, after one that is not counted.
        kinds: by name.

    Returns:
        By name, medians in milliseconds: `first_ms` of the first response (also its least and
        largest value), `cpu_ms` of the handler's processor time until then, and `warm_ms` of
        `WARM` further responses; `rss_mb`; and the medians of the ratios of the first response and
        of its processor time to those of the first kind in the same turn.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    with TemporaryDirectory() as folder:
        onnx = ""
        if any(module == "lambda_onnx" for _, module, _ in kinds.values()):
            onnx = str(network("float.onnx", BUNDLE, Path(folder)))
        for turn in range(starts + 1):
            for name, (environment, module, variables) in kinds.items():
                result = _start(environment, module, {**variables, "NETWORK": onnx})
                if turn:  # the first one compiles byte code
                    found[name].append(result)
    values = {
        name: {figure: [result[figure] for result in results] for figure in results[0]}
        for name, results in found.items()
    }
    first = next(iter(values.values()))
    return {
        name: {
            **{figure: percentile(numbers, 0.5) for figure, numbers in each.items()},
            "first_ms_min": min(each["first_ms"]),
            "first_ms_max": max(each["first_ms"]),
            "first_ratio": ratio(each["first_ms"], first["first_ms"]),
            "cpu_ratio": ratio(each["cpu_ms"], first["cpu_ms"]),
        }
        for name, each in values.items()
    }


def _start(environment: str, module: str, variables: dict[str, str]) -> dict[str, float]:
    """Return the figures of one start."""
    tools = environments.python("emulator").parents[1]
    (packages,) = tools.glob("lib/python*/site-packages")
    client = _CLIENT.format(packages=str(packages))
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [
            packages / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{MACHINE}",
            f"--runtime-interface-emulator-address=127.0.0.1:{port}",
            f"--runtime-api-address=127.0.0.1:{free_port()}",
            environments.python(environment), "-c", client, f"{module}.handler",
        ],
        env=cold_start.environment(variables), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until_open(port, LIMIT_S)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        first_ms = _answer_ms(url, module)
        (handler,) = psutil.Process(process.pid).children()
        used = handler.cpu_times()
        return {
            "first_ms": first_ms,
            "cpu_ms": (used.user + used.system) * 1000,
            "warm_ms": percentile([_answer_ms(url, module) for _ in range(WARM)], 0.5),
            "rss_mb": handler.memory_info().rss / 1e6,
        }
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answer_ms(url: str, module: str) -> float:
    request = event_for(module)
    start = time.perf_counter()
    response = requests.post(url, json=request, timeout=LIMIT_S).json()
    duration_ms = (time.perf_counter() - start) * 1000
    if response.get("statusCode") != 200:
        raise RuntimeError(f"{module} answered {response}")
    return duration_ms
