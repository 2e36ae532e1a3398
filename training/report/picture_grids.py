"""Figures of the report that show pictures, each a PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.report.figures import STYLE, save, short

CAPTION = 26  # characters that fit under a picture

Pixels = npt.NDArray[np.uint8]


@rc_context(STYLE)
def draw_pictures(path: Path, pictures: Sequence[Pixels], captions: Sequence[str]) -> None:
    """Draw pictures, uint8 (h, w, 3), in rows of six, with captions of up to four lines."""
    columns = min(6, len(pictures))
    rows = -(-len(pictures) // columns)
    axes = _grid(1.85, columns, 1.4 * rows)
    for i, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(i, columns)
        _place(axes, pixels, column, 1.4 * row)
        text = "\n".join(short(line, CAPTION) for line in caption.splitlines())
        axes.text(column + 0.48, 1.4 * row + 1, text, ha="center", va="top", fontsize=8)
    save(axes.figure, path)


@rc_context(STYLE)
def draw_augmented(path: Path, originals: Pixels, augmented: Pixels) -> None:
    """Draw originals (n, h, w, 3), each followed by its augmented versions (n, k, h, w, 3)."""
    rows, columns = augmented.shape[:2]
    axes = _grid(1.4, columns + 1.1, rows + 0.2)
    axes.text(0, 0.14, "original")
    axes.text(1.1, 0.14, "augmented")
    for row in range(rows):
        _place(axes, originals[row], 0, row + 0.2)
        for column in range(columns):
            _place(axes, augmented[row, column], column + 1.1, row + 0.2)
    save(axes.figure, path)


def _grid(side: float, width: float, height: float) -> Any:
    """Empty axes of `width` by `height` units of `side` inches, with the origin at the top left."""
    figure = Figure(figsize=(side * width, side * height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _place(axes: Any, pixels: Pixels, left: float, top: float) -> None:
    """Draw a picture with a margin in the unit square below and right of (`left`, `top`)."""
    extent = (left, left + 0.96, top + 0.96, top)
    axes.imshow(pixels, extent=extent, aspect="auto", interpolation="antialiased")
