"""Overhead of the warm handler over bare decoding and inference, and time of an occlusion map."""

import json
from typing import Any

from benchmarks.service.child import event, percentile, picture, run

PROGRAM = """
import asyncio, base64, json, sys, time
from lambda_api import explain, handler
from lambda_api.workers import inline

form, raw, rounds = json.load(sys.stdin), json.loads({raw!r}), {rounds}
data = base64.b64decode(raw["body"])
classifier, loop = handler.loaded_model.outcome, asyncio.new_event_loop()
pixels = classifier.classify(data).picture.pixels
features = classifier.network.run(pixels)[1]
work = {{
    "inference": lambda: classifier.network.logits(pixels),
    "detector": lambda: classifier.detector.judge(features),
    "bare": lambda: classifier.classify(data),
    "handler_raw": lambda: handler.handler(raw, None),
    "handler_form": lambda: handler.handler(form, None),
}}
ms, cpu_ms = ({{name: [] for name in [*work, "map_7x7"]}} for _ in range(2))

def timed(name, function):
    start, cpu = time.perf_counter(), time.process_time()
    function()
    cpu_ms[name].append((time.process_time() - cpu) * 1000)
    ms[name].append((time.perf_counter() - start) * 1000)

for function in work.values():
    function()
for i in range(rounds):
    for name, function in work.items():
        timed(name, function)
    if i % 25 == 0:
        explanation = explain.explain(classifier, data, 7, inline)
        timed("map_7x7", lambda: loop.run_until_complete(explanation))
print(json.dumps({{"ms": ms, "cpu_ms": cpu_ms}}))
"""


def measure(rounds: int) -> dict[str, Any]:
    """Time all kinds alternately, so that other processes affect them equally.

    The detector of unknown pictures is part of bare decoding and inference.

    Returns:
        p10, p50 and p99 of each kind in milliseconds of wall-clock time, and ratios of medians: of
        wall-clock time, and of processor time, which other processes affect less. The map is
        relative to an inference, handler and detector to bare decoding and inference.
    """
    raw = json.dumps(event(picture(), as_form=False))
    program = PROGRAM.format(raw=raw, rounds=rounds)
    times: dict[str, dict[str, list[float]]] = json.loads(run(program).stdout.splitlines()[-1])
    return {
        "ms": {
            name: {f"p{int(share * 100)}": percentile(values, share) for share in (0.1, 0.5, 0.99)}
            for name, values in times["ms"].items()
        },
        "ratios": _ratios(times["ms"]),
        "ratios_cpu": _ratios(times["cpu_ms"]),
    }


def _ratios(times: dict[str, list[float]]) -> dict[str, float]:
    medians = {name: percentile(values, 0.5) for name, values in times.items()}
    pairs = [(name, "bare") for name in ("handler_raw", "handler_form", "detector")]
    pairs.append(("map_7x7", "inference"))
    return {name: round(medians[name] / medians[other], 3) for name, other in pairs}
