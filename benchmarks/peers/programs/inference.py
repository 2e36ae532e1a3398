"""Measure one runtime and label pictures: `inference.py RUNTIME MODEL INFERENCES [PICTURE ...]`."""

import importlib
import json
import sys
import time
from pathlib import Path

MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow",
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
    "keras": "tensorflow",  # its backend, without which it cannot be imported
}


def of_classes(outputs):
    """Return the output with a value per class; the other has the features."""
    return next(output for output in outputs if output.shape[1] == CLASSES)


def tflite(library, model):
    interpreter = getattr(library, "lite", library).Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    (output,) = [x["index"] for x in interpreter.get_output_details() if x["shape"][1] == CLASSES]

    def run(batch):
        interpreter.set_tensor(source, batch)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    return run


def openvino(library, model):
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    core = library.Core()
    network = core.read_model(model)
    network.reshape(SHAPE)
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    return lambda batch: of_classes(request.infer({0: batch}).values())


def onnxruntime(library, model):
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = library.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    return lambda batch: of_classes(session.run(None, {source: batch}))


def keras(library, model):
    network = library.keras.models.load_model(model, compile=False)
    return lambda batch: network.predict(batch, verbose=0)


LOADERS = {"openvino": openvino, "onnxruntime": onnxruntime, "keras": keras}

start = time.process_time()
runtime, model, inferences, *pictures = sys.argv[1:]
library = importlib.import_module(MODULES[runtime])
imported = time.process_time()

import numpy as np  # noqa: E402 - some runtimes import it themselves
from scenes import HEIGHT, MANIFEST, WIDTH, pixels  # noqa: E402

CLASSES, SHAPE = len(MANIFEST["classes"]), (1, HEIGHT, WIDTH, 3)
batch = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
before_load = time.process_time()
run = LOADERS.get(runtime, tflite)(library, model)
run(batch)
loaded = time.process_time()
times = []
for _ in range(int(inferences)):
    before = time.process_time()
    run(batch)
    times.append(time.process_time() - before)
(peak_kib,) = [
    line.split()[1]
    for line in Path("/proc/self/status").read_text().splitlines()
    if line.startswith("VmHWM:")
]
labels = [int(run(pixels(Path(path).read_bytes())[np.newaxis]).argmax()) for path in pictures]
print(
    json.dumps(
        {
            "import_ms": (imported - start) * 1000,
            "load_ms": (loaded - before_load) * 1000,
            "inference_ms": sorted(times)[len(times) // 2] * 1000,
            "rss_mb": int(peak_kib) / 1024,
            "labels": [MANIFEST["classes"][label] for label in labels],
        }
    )
)
