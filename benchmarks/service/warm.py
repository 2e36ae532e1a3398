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
work = {{
    "bare": lambda: classifier.classify(data),
    "handler_raw": lambda: handler.handler(raw, None),
    "handler_form": lambda: handler.handler(form, None),
}}
ms = {{name: [] for name in [*work, "map_7x7"]}}

def timed(name, function):
    start = time.perf_counter()
    function()
    ms[name].append((time.perf_counter() - start) * 1000)

for i in range(50 + rounds):
    for name, function in work.items():
        timed(name, function)
    if i % 25 == 0:
        timed("map_7x7", lambda: explain.explain(classifier, data, 7))
print(json.dumps({{name: values[50:] if name in work else values for name, values in ms.items()}}))
"""


def measure(rounds: int) -> dict[str, Any]:
    """Time all kinds by turns, so that whatever else the machine does meets them alike.

    Returns:
        p10, p50 and p99 in milliseconds of each kind, and ratios of medians. p10 is what a quieter
        machine would give more often.
    """
    raw = json.dumps(event(picture(), as_form=False))
    program = PROGRAM.format(raw=raw, rounds=rounds)
    found: dict[str, list[float]] = json.loads(run(program).stdout.splitlines()[-1])
    kinds = {
        name: {f"p{int(share * 100)}": percentile(values, share) for share in (0.1, 0.5, 0.99)}
        for name, values in found.items()
    }
    bare = kinds["bare"]
    return {
        "ms": kinds,
        "raw_to_bare": round(kinds["handler_raw"]["p50"] / bare["p50"], 3),
        "form_to_bare": round(kinds["handler_form"]["p50"] / bare["p50"], 3),
        "form_to_bare_p10": round(kinds["handler_form"]["p10"] / bare["p10"], 3),
        "map_7x7_in_inferences": round(kinds["map_7x7"]["p50"] / bare["p50"], 1),
    }
