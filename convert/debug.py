"""Where int8 loses: the quantisation error of each layer, as a table and a figure."""

import csv
import io
import itertools
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib import rc_context
from matplotlib.figure import Figure

from convert.quantize import Pictures, converter
from training.report.figures import BLUE, ORANGE, STYLE, save

TABLE, FIGURE = "layer_errors.csv", "layer_errors.png"
PICTURES = 50  # enough for means that stand still
# An error evenly spread over one step of the scale has this share of the step (1/sqrt(12)).
# https://www.tensorflow.org/lite/performance/quantization_debugger
EXPECTED = 12**-0.5
SUSPECT = 0.7


def write_layer_errors(folder: Path, saved: Path, calibration: Pictures) -> None:
    """Quantise to int8 in TensorFlow's debugger, and write `TABLE` and `FIGURE`.

    Each layer is given quantised inputs and compared with the same layer in float on the same
    inputs: the error is the layer's own. As the model goes, dense layers are quantised per channel
    here, which the bundle's are not.

    Args:
        folder: is there.
        saved: a folder of `quantize.exported`.
        calibration: gives the pictures that show the ranges; the first `PICTURES` are measured.
    """
    pictures = itertools.islice(calibration(), PICTURES)
    batches = [[picture[np.newaxis].astype(np.float32)] for picture in pictures]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        warnings.filterwarnings("ignore", "(?s).*tf.lite.Interpreter is deprecated")
        debugger: Any = tf.lite.experimental.QuantizationDebugger(
            converter=converter(saved, "int8", calibration), debug_dataset=lambda: batches
        )
        debugger.run()
    dumped = io.StringIO()
    debugger.layer_statistics_dump(dumped)
    rows = [_row(layer) for layer in csv.DictReader(io.StringIO(dumped.getvalue()))]
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    _draw(folder / FIGURE, rows)


def _row(layer: dict[str, str]) -> dict[str, Any]:
    scale, error = float(layer["scale"]), float(layer["mean_squared_error"]) ** 0.5
    return {
        "layer": _short(layer["tensor_name"]),
        "operator": layer["op_name"],
        "scale": f"{scale:.6g}",
        "root_mean_squared_error": f"{error:.6g}",
        "error_in_steps": f"{error / scale:.4f}",
        "largest_error_in_steps": f"{float(layer['max_abs_error']) / scale:.4f}",
        "mean_error_in_steps": f"{float(layer['mean_error']) / scale:.4f}",
    }


def _short(tensor: str) -> str:
    """The layer of a tensor's name, which is a path of all that was fused into it."""
    parts = [part for part in re.split(r"[/;]", tensor) if part]
    return parts[1] if len(parts) > 1 else tensor


@rc_context(STYLE)
def _draw(path: Path, rows: list[dict[str, Any]]) -> None:
    """The error of each layer in steps of its scale, from the input on."""
    steps = [float(row["error_in_steps"]) for row in rows]
    figure = Figure(figsize=(9, 1.2 + 0.17 * len(rows)), layout="constrained")
    axes = figure.subplots()
    colors = [ORANGE if step > SUSPECT else BLUE for step in steps]
    axes.barh(range(len(rows)), steps, color=colors)
    axes.axvline(EXPECTED, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(
        range(len(rows)), [f"{row['layer']}  {row['operator']}" for row in rows], fontsize=6
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(
        "root mean squared error in steps of the layer's scale\n"
        f"dashed: rounding alone; orange: above {SUSPECT}, quantised badly"
    )
    save(figure, path)
