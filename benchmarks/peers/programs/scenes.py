"""The model of a bundle without this project's code, for all programs in this folder.

Decoding, scaling and the arithmetic are those of the service. There are no limits and no checks.
"""

import json
import os
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

BUNDLE = Path(os.environ["BUNDLE"])
MANIFEST = json.loads((BUNDLE / "manifest.json").read_text())
HEIGHT, WIDTH = MANIFEST["input"]["height"], MANIFEST["input"]["width"]


def interpreter():
    """Return a TensorFlow Lite interpreter of the runtime that RUNTIME names, with one thread."""
    model = str(BUNDLE / "model.tflite")
    runtime = os.environ.get("RUNTIME", "litert")
    if runtime == "tensorflow":
        import tensorflow as tf

        found = tf.lite.Interpreter(model, num_threads=1)
    elif runtime == "tflite-runtime":
        from tflite_runtime.interpreter import Interpreter

        found = Interpreter(model, num_threads=1)
    else:
        from ai_edge_litert.interpreter import Interpreter

        found = Interpreter(model, num_threads=1)
    found.allocate_tensors()
    return found


def pixels(data: bytes):
    """Decode a picture to uint8 RGB of the model's size."""
    with Image.open(BytesIO(data)) as image:
        image.draft("RGB", (2 * WIDTH, 2 * HEIGHT))
        scaled = image.convert("RGB").resize(
            (WIDTH, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
    return np.asarray(scaled)


def answer(logits) -> dict:
    """Return the response for a picture."""
    powers = np.exp((logits.astype(float) - logits.max()) / MANIFEST["temperature"])
    probabilities = powers / powers.sum()
    order = np.argsort(-probabilities)
    predictions = [
        {"label": MANIFEST["classes"][i], "confidence": float(probabilities[i])} for i in order
    ]
    return {"label": predictions[0]["label"], "predictions": predictions}


class Scenes:
    """A model that answers as `POST /predict` does."""

    def __init__(self) -> None:
        self._interpreter, self._lock = interpreter(), Lock()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def predict(self, data: bytes) -> dict:
        batch = pixels(data)[np.newaxis]
        with self._lock:
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            logits = self._interpreter.get_tensor(self._output)[0]
        return answer(logits)
