"""Compute logits of model.tflite for pixels.npy in one folder. Needs Python with tflite-runtime."""

import sys
from pathlib import Path

import numpy as np
from tflite_runtime.interpreter import Interpreter

folder = Path(sys.argv[1])
interpreter = Interpreter(model_path=str(folder / "model.tflite"))
interpreter.allocate_tensors()
(source,) = interpreter.get_input_details()
target = interpreter.get_output_details()[0]  # the logits; the second output has the features
logits = []
for pixels in np.load(folder / "pixels.npy"):
    interpreter.set_tensor(source["index"], pixels[np.newaxis].astype(source["dtype"]))
    interpreter.invoke()
    logits.append(interpreter.get_tensor(target["index"])[0])
np.save(folder / "logits.npy", np.stack(logits))
