"""The warm handler beside bare decoding and inference, and a map of occlusions."""

import json
from typing import Any

from benchmarks.service.child import event, percentile, picture, run

PROGRAM = """
import base64, json, sys, time
from lambda_api import explain, handler

form, raw, rounds = json.load(sys.stdin), json.loads({raw!r}), {rounds}
data = base64.b64decode(raw["body"])
classifier = handler._model.classifier()
pixels = classifier.classify(data).picture.pixels
work = {{
    "inference": lambda: classifier._network.logits(pixels),
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
        timed("map_7x7", lambda: explain.explain(classifier, data, 7))
print(json.dumps({{"ms": ms, "cpu_ms": cpu_ms}}))
"""


def measure(rounds: int) -> dict[str, Any]:
    """Time all kinds by turns, so that whatever else the machine does meets them alike.

    Returns:
        p10, p50 and p99 in milliseconds of each kind by the clock, and ratios of medians: by the
        clock, and by processor time, which others on the machine disturb less. The map's is to
        inferences, the handler's to bare decoding and inference.
    """
    raw = json.dumps(event(picture(), as_form=False))
    program = PROGRAM.format(raw=raw, rounds=rounds)
    found: dict[str, dict[str, list[float]]] = json.loads(run(program).stdout.splitlines()[-1])
    return {
        "ms": {
            name: {f"p{int(share * 100)}": percentile(values, share) for share in (0.1, 0.5, 0.99)}
            for name, values in found["ms"].items()
        },
        "ratios": _ratios(found["ms"]),
        "ratios_cpu": _ratios(found["cpu_ms"]),
    }


def _ratios(found: dict[str, list[float]]) -> dict[str, float]:
    medians = {name: percentile(values, 0.5) for name, values in found.items()}
    pairs = [("handler_raw", "bare"), ("handler_form", "bare"), ("map_7x7", "inference")]
    return {name: round(medians[name] / medians[other], 3) for name, other in pairs}
