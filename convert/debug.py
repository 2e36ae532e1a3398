"""Quantization error of each layer in int8, as a table and a figure."""

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
PICTURES = 50  # enough for stable means
# Standard deviation of an error spread evenly over one step of the scale: 1/sqrt(12) of the step.
# https://www.tensorflow.org/lite/performance/quantization_debugger
EXPECTED = 12**-0.5
SUSPECT = 0.7


def write_layer_errors(folder: Path, saved: Path, calibration: Pictures) -> None:
    """Quantize to int8 in TensorFlow's debugger, and write `TABLE` and `FIGURE`.

    The debugger feeds the same quantized inputs to each int8 layer and to the float layer, so an
    error is the layer's own. It quantizes dense layers per channel, unlike the bundle.

    Args:
        folder: existing folder.
        saved: folder written by `quantize.exported`.
        calibration: returns the pictures that calibrate the activation ranges, uint8 RGB
            (height, width, 3). The errors are measured on the first `PICTURES` of them.
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
    statistics = io.StringIO()
    debugger.layer_statistics_dump(statistics)
    rows = [_row(layer) for layer in csv.DictReader(io.StringIO(statistics.getvalue()))]
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
    """Name of the layer in a tensor's name, which is a path of all layers fused into it."""
    parts = [part for part in re.split(r"[/;]", tensor) if part]
    return parts[1] if len(parts) > 1 else tensor


@rc_context(STYLE)
def _draw(path: Path, rows: list[dict[str, Any]]) -> None:
    """Draw the error of each layer in steps of its scale, from the input to the output."""
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
        f"dashed: rounding alone; orange: above {SUSPECT}, large loss"
    )
    save(figure, path)
