"""`make bench`: measure the service and write `benchmarks/results/service.json` and `.md`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from benchmarks.service import cold_start, load, report, warm

RESULTS = Path(__file__).parents[1] / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the results. The options shorten the measurement."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.service",
        description="Measure the service, and write the results as JSON and Markdown.",
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    parser.add_argument("--starts", type=int, default=11, help="number of processes per kind")
    parser.add_argument("--rounds", type=int, default=1000, help="number of warm requests per kind")
    parser.add_argument("--seconds", type=float, default=60, help="minimum duration of the load")
    parser.add_argument(
        "--requests", type=int, default=20_000, help="minimum number of requests under load"
    )
    parsed = parser.parse_args(arguments)
    results: dict[str, Any] = {
        "machine": description("fastapi", "mangum", "numpy", "pillow", "ai-edge-litert", "uvicorn")
    }
    print(f"Starting {2 * parsed.starts} processes ...", flush=True)
    results["cold_start"] = cold_start.measure(parsed.starts)
    results["imports_ms"] = cold_start.imports()
    print(f"Calling a warm handler {parsed.rounds} times ...", flush=True)
    results["warm"] = warm.measure(parsed.rounds)
    print(f"Sending requests to a server for {parsed.seconds:g} s or longer ...", flush=True)
    results["load"] = load.measure(parsed.seconds, parsed.requests)
    parsed.out.mkdir(parents=True, exist_ok=True)
    document = json.dumps(results, indent=2) + "\n"
    (parsed.out / "service.json").write_text(document, encoding="utf-8")
    table = report.markdown(results)
    (parsed.out / "service.md").write_text(table, encoding="utf-8")
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
