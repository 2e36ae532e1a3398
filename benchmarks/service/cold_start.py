"""Time from the start of a process to its first response, by cause."""

import json
from collections import Counter
from time import time
from typing import Any

from benchmarks.service.child import percentile, run

SLOWEST = 12  # packages in the import table
TIMED_IMPORT = """
import time
start, cpu = time.perf_counter(), time.process_time()
import {modules}
import_ms = (time.perf_counter() - start) * 1000
import_cpu_ms = (time.process_time() - cpu) * 1000
import json, sys
"""
LIBRARIES = (
    TIMED_IMPORT.format(modules="fastapi, numpy, PIL.Image, ai_edge_litert.interpreter")
    + 'print(json.dumps({"import_ms": import_ms, "import_cpu_ms": import_cpu_ms}))'
)
HANDLER = (
    TIMED_IMPORT.format(modules="lambda_api.handler")
    + """
unwanted = [x for x in ("boto3", "tensorflow", "pandas", "matplotlib") if x in sys.modules]
event = json.load(sys.stdin)
start = time.perf_counter()
assert lambda_api.handler.handler(event, None)["statusCode"] == 200
responded_at = time.time()
first_ms = (time.perf_counter() - start) * 1000
for _ in range(200):
    lambda_api.handler.handler(event, None)
import psutil
print(json.dumps({
    "import_ms": import_ms,
    "import_cpu_ms": import_cpu_ms,
    "model_load_ms": lambda_api.handler.loaded_model.load_ms,
    "first_request_ms": first_ms,
    "responded_at": responded_at,
    "unwanted": unwanted,
    "rss_mb": psutil.Process().memory_info().rss / 1e6,
}))
"""
)


def measure(repeats: int) -> dict[str, Any]:
    """Start processes alternately: one imports only the libraries, one imports the handler.

    Returns:
        Medians in milliseconds, of wall-clock time and of processor time. Other processes affect
        processor time less. `added` is the additional time of our code and the rest of the
        framework, relative to the time of the libraries and without loading the model.
    """
    libraries, handler = [], []
    for _ in range(repeats + 1):  # the first run of each compiles byte code
        libraries.append(json.loads(run(LIBRARIES).stdout))
        handler.append(_first_response())
    alone = _medians(libraries[1:], "import_ms", "import_cpu_ms")
    ours = _medians(
        handler[1:],
        "import_ms", "import_cpu_ms", "model_load_ms", "first_request_ms", "answered_ms",
    )  # fmt: skip
    load_ms = ours["model_load_ms"]
    return {
        "libraries_alone": alone,
        "handler": ours,
        "added": round((ours["import_ms"] - load_ms) / alone["import_ms"] - 1, 3),
        "added_cpu": round((ours["import_cpu_ms"] - load_ms) / alone["import_cpu_ms"] - 1, 3),
        "unwanted_modules": handler[-1]["unwanted"],
        "rss_mb": round(max(run["rss_mb"] for run in handler), 1),
    }


def imports(most: int | None = SLOWEST) -> dict[str, float]:
    """Return the import time of the handler in milliseconds by package, without nested imports.

    Args:
        most: number of packages, the slowest first; None for all.
    """
    output = run("import lambda_api.handler", "-X", "importtime").stderr
    total_us: Counter[str] = Counter()
    for line in output.splitlines():
        if line.startswith("import time:") and "imported package" not in line:
            own_us, _, module = line.removeprefix("import time:").split("|")
            total_us[module.strip().partition(".")[0]] += int(own_us)
    return {package: round(us / 1000, 1) for package, us in total_us.most_common(most)}


def _first_response() -> dict[str, Any]:
    start = time()
    document: dict[str, Any] = json.loads(run(HANDLER).stdout.splitlines()[-1])
    document["answered_ms"] = (document["responded_at"] - start) * 1000
    return document


def _medians(runs: list[dict[str, Any]], *names: str) -> dict[str, float]:
    return {name: round(percentile([run[name] for run in runs], 0.5), 1) for name in names}
