"""Processor time and duration from the start of a process to its first prediction."""

import json
import os
import subprocess
import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers import environments
from benchmarks.service.child import ENVIRONMENT, event, percentile, picture

BUNDLE = environments.ROOT / "models" / "intel-scenes"
Kind = tuple[str, str, dict[str, str]]  # environment, module of the handler, and variables
SERVICE: Kind = ("lambda-service", "lambda_api.handler", {})
# By name. The first one is what the others are compared with.
PEERS: dict[str, Kind] = {
    "FastAPI, Mangum, LiteRT": ("lambda-fastapi", "lambda_fastapi", {}),
    "the same, OPENBLAS_NUM_THREADS=1": (
        "lambda-fastapi", "lambda_fastapi", {"OPENBLAS_NUM_THREADS": "1"},
    ),
    "the service": SERVICE,
    "LiteRT without a framework": ("lambda-bare", "lambda_bare", {}),
    "TensorFlow without a framework": (
        "lambda-tensorflow", "lambda_bare", {"RUNTIME": "tensorflow"},
    ),
}  # fmt: skip
# The service with one of its measures undone.
VARIANTS: dict[str, Kind] = {
    "the service": SERVICE,
    "with a thread of OpenBLAS per processor": (*SERVICE[:2], {"OPENBLAS_NUM_THREADS": ""}),
    "with validators built at import": (*SERVICE[:2], {"VARIANT": "validators"}),
    "with garbage collection during imports": (*SERVICE[:2], {"VARIANT": "collection"}),
    "with a search for plugins of pydantic": (*SERVICE[:2], {"PYDANTIC_DISABLE_PLUGINS": ""}),
    "with pydantic-settings": (
        "lambda-settings", "lambda_api.handler", {"VARIANT": "pydantic-settings"},
    ),
    "with five plugins of Pillow": (*SERVICE[:2], {"VARIANT": "plugins of Pillow"}),
    "without byte code": (
        *SERVICE[:2], {"PYTHONPYCACHEPREFIX": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
    ),
}  # fmt: skip


def measure(starts: int, kinds: dict[str, Kind]) -> dict[str, Any]:
    """Start processes of all kinds in turn, so that other programs affect them equally.

    Args:
        starts: counted processes of each kind, after one that is not counted.
        kinds: by name.

    Returns:
        By name: median, least and largest processor time (user and system) and the median duration
        in milliseconds, the largest resident memory in MB, and the median of the ratios of
        processor time and of duration to those of the first kind in the same turn.
    """
    cpu: dict[str, list[float]] = {name: [] for name in kinds}
    wall: dict[str, list[float]] = {name: [] for name in kinds}
    rss: dict[str, float] = {}
    pythons = {name: environments.python(kind[0]) for name, kind in kinds.items()}
    with TemporaryDirectory() as folder:
        for turn in range(starts + 1):
            for name, (_, module, variables) in kinds.items():
                path = Path(folder) / f"{module}.json"
                path.write_text(json.dumps(event_for(module)))
                cpu_ms, wall_ms, rss[name] = _start(pythons[name], module, path, variables)
                if turn:  # the first one compiles byte code
                    cpu[name].append(cpu_ms)
                    wall[name].append(wall_ms)
    first = next(iter(kinds))
    return {
        name: {
            "cpu_ms": percentile(cpu[name], 0.5),
            "cpu_ms_min": min(cpu[name]),
            "cpu_ms_max": max(cpu[name]),
            "wall_ms": percentile(wall[name], 0.5),
            "rss_mb": rss[name],
            "cpu_ratio": ratio(cpu[name], cpu[first]),
            "wall_ratio": ratio(wall[name], wall[first]),
        }
        for name in kinds
    }


def event_for(module: str) -> dict[str, Any]:
    """Return the event of a handler. Those without a framework cannot read forms."""
    return event(picture(), as_form=module not in ("lambda_bare", "lambda_onnx"))


def environment(variables: dict[str, str]) -> dict[str, str]:
    """Return the environment of a handler's process."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **clean,
        **ENVIRONMENT,
        "BUNDLE": str(BUNDLE),
        "PYTHONPATH": environments.SEARCH,
        **variables,
    }


def ratio(values: list[float], others: list[float]) -> float:
    """Return the median of the ratios of values that were measured in the same turn."""
    return percentile([a / b for a, b in zip(values, others, strict=True)], 0.5)


def _start(
    python: Path, module: str, path: Path, variables: dict[str, str]
) -> tuple[float, float, float]:
    """Run a process. Returns its processor time and duration in ms, and its memory in MB."""
    program = environments.PROGRAMS / "first_prediction.py"
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [python, program, module, path],
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process.stdout or BytesIO() as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_ms = (time.perf_counter() - start) * 1000
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{module} in {python} did not answer the event")
    cpu_ms = (usage.ru_utime + usage.ru_stime) * 1000
    return round(cpu_ms, 1), round(wall_ms, 1), round(int(output.splitlines()[-1]) / 1024, 1)
