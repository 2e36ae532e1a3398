"""`make bench-peers`: measure the service beside its peers. Linux only; needs wrk.

Each part writes `benchmarks/results/PART.json` and `PART.md`. `python -m benchmarks.peers PART ...`
measures some parts only.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from benchmarks.peers import (
    batch,
    cold_start,
    decoders,
    emulator,
    folder,
    inference,
    report,
    throughput,
    tutorial,
)
from benchmarks.peers.environments import ROOT

PARTS: dict[str, tuple[Callable[[argparse.Namespace], Any], Callable[[Any], str]]] = {
    "batch": (lambda options: batch.measure(options.rounds, pictures=200), report.batch),
    "cold_start": (
        lambda options: cold_start.measure(options.starts, cold_start.PEERS),
        report.cold_start,
    ),
    "cold_start_measures": (
        lambda options: cold_start.measure(options.starts, cold_start.VARIANTS),
        report.cold_start_measures,
    ),
    "decoders": (lambda options: decoders.measure(10 * options.rounds), report.decoders),
    "emulator": (
        lambda options: emulator.measure(options.starts, emulator.KINDS),
        report.emulator,
    ),
    "folder": (
        lambda options: folder.measure(
            options.rounds, [(folder.SMALL, 100), (folder.SMALL, 2000), (folder.LARGE, 200)]
        ),
        report.folder,
    ),
    "inference": (
        lambda options: (
            inference.measure(
                options.rounds,
                options.inferences,
                options.run,
                sorted((options.data / "test").glob("*/*.jpg")),
            )
            | inference.floor(options.inferences)
        ),
        report.inference,
    ),
    "throughput": (
        lambda options: throughput.measure(options.rounds, options.seconds),
        report.throughput,
    ),
    "tutorial": (
        lambda options: tutorial.measure(
            options.data, options.weights, training=900, validation=300, epochs=10
        ),
        report.tutorial,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the results. The options shorten the measurement."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description="Measure the service beside its peers, each in an environment of its own.",
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--starts", type=int, default=31, help="processes per kind")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per server and runtime")
    parser.add_argument("--inferences", type=int, default=200, help="inferences per process")
    parser.add_argument("--seconds", type=float, default=10, help="duration of each load")
    data = os.environ.get("LANDSCAPE_DATA") or ROOT.parent / "shared" / "intel"
    parser.add_argument("--data", type=Path, default=data, help="the Intel scenes")
    weights = ROOT.parent / "shared" / "weights" / "mobilenet_v2_ema_notop.weights.h5"
    parser.add_argument("--weights", type=Path, default=weights, help="of MobileNetV2")
    run = ROOT / "runs" / "intel"
    parser.add_argument("--run", type=Path, default=run, help="the bundle's run; may be missing")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.parts or PARTS:
        measure, markdown = PARTS[name]
        print(f"Measuring {name} ...", flush=True)
        results = {
            "machine": description("fastapi", "mangum", "numpy", "pillow", "ai-edge-litert"),
            "results": measure(options),
        }
        document = json.dumps(results, indent=2) + "\n"
        (options.out / f"{name}.json").write_text(document, encoding="utf-8")
        table = report.page(results["machine"], markdown(results["results"]))
        (options.out / f"{name}.md").write_text(table, encoding="utf-8")
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
