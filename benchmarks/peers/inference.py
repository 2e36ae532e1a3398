"""Latency, load time and memory of runtimes that load the same bundle, on one thread."""

import json
import os
import subprocess
from typing import Any

from benchmarks.peers import environments
from benchmarks.peers.cold_start import BUNDLE
from benchmarks.service.child import percentile

RUNTIMES = {
    "LiteRT": ("lambda-bare", "litert"),
    "OpenVINO": ("openvino", "openvino"),
    "tflite-runtime 2.14": ("tflite-runtime", "tflite-runtime"),
    "TensorFlow": ("lambda-tensorflow", "tensorflow"),
}
_PROGRAM = """
import json, os, sys, time
start = time.process_time()
import numpy as np
if os.environ["RUNTIME"] == "openvino":
    import openvino
    imported = time.process_time()
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    bundle = os.environ["BUNDLE"]
    size = json.load(open(bundle + "/manifest.json"))["input"]
    shape = (1, size["height"], size["width"], 3)
    core = openvino.Core()
    model = core.read_model(bundle + "/model.tflite")
    model.reshape(shape)
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    run = lambda batch: request.infer({0: batch})
else:
    import scenes
    imported = time.process_time()
    interpreter = scenes.interpreter()
    source = interpreter.get_input_details()[0]
    shape = source["shape"]
    def run(batch):
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
batch = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
run(batch)
ready = time.process_time()
times = []
for _ in range(int(sys.argv[1])):
    before = time.process_time()
    run(batch)
    times.append((time.process_time() - before) * 1000)
print(json.dumps({
    "import_ms": (imported - start) * 1000, "load_ms": (ready - imported) * 1000,
    "inference_ms": sorted(times)[len(times) // 2],
    "rss_mb": int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024,
}))
"""


def measure(rounds: int, inferences: int) -> dict[str, Any]:
    """Start a process for each runtime in turn, `rounds` times.

    Returns:
        By runtime, medians of processor time in milliseconds: `import_ms`, `load_ms` until the
        first inference is done, and `inference_ms`; and resident memory in MB.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in RUNTIMES}
    for _ in range(rounds):
        for name, (environment, runtime) in RUNTIMES.items():
            output = subprocess.run(  # noqa: S603 - our own command
                [environments.python(environment), "-c", _PROGRAM, str(inferences)],
                env={
                    **os.environ, "RUNTIME": runtime, "BUNDLE": str(BUNDLE),
                    "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(environments.PROGRAMS),
                },
                stdout=subprocess.PIPE, text=True, check=True,
            ).stdout  # fmt: skip
            found[name].append(json.loads(output.splitlines()[-1]))
    return {
        name: {
            figure: round(percentile([result[figure] for result in results], 0.5), 2)
            for figure in results[0]
        }
        for name, results in found.items()
    }
