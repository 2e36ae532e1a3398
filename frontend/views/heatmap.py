"""What an answer rests on, drawn over the picture."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

FOR = (255, 86, 20)  # cells that speak for the label
AGAINST = (38, 120, 255)  # cells that speak against it
FAINT = 0.03  # a drop of probability that decides nothing alone


def blend(preview: bytes, drops: Sequence[Sequence[float]], opacity: float) -> bytes:
    """Colour a picture by what the label's probability loses where the picture is covered.

    The strongest cell has the full colour, however little it is: `in_words` says how much.

    Args:
        preview: the upright picture.
        drops: rows from the top, cells from the left, each -1 to 1; as many rows as cells.
        opacity: 0 to 1, of the colour where the drop is largest.

    Returns:
        A JPEG of the preview's size.
    """
    with Image.open(BytesIO(preview)) as image:
        picture = image.convert("RGB")
    weights = np.asarray(drops, np.float32)
    weights /= max(float(np.abs(weights).max()), 1e-6)
    heat = np.asarray(Image.fromarray(weights).resize(picture.size, Image.Resampling.BICUBIC))
    heat = heat.clip(-1, 1)[..., np.newaxis]
    colour = np.where(heat > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    alpha = np.abs(heat) * opacity
    blended = np.asarray(picture, np.float32) * (1 - alpha) + colour * alpha
    buffer = BytesIO()
    Image.fromarray(blended.round().astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def in_words(drops: Sequence[Sequence[float]], label: str) -> str:
    """Say where the answer rests, for those who do not see it."""
    grid = np.asarray(drops)
    row, column = np.unravel_index(int(grid.argmax()), grid.shape)
    drop = float(grid[row, column])
    if drop < FAINT:
        return (
            f"No part of the picture alone decides for {label}: covered, the strongest one costs "
            f"{max(drop, 0) * 100:.1f} percentage points."
        )
    parts = (
        _third(int(row), grid.shape[0], "top", "bottom"),
        _third(int(column), grid.shape[1], "left", "right"),
    )
    where = " ".join(part for part in parts if part) or "middle"
    return (
        f"It rests most on the {where} of the picture: covered, {label} loses {drop * 100:.0f} "
        "percentage points."
    )


def _third(index: int, count: int, first: str, last: str) -> str:
    share = (index + 0.5) / count
    return first if share < 1 / 3 else last if share > 2 / 3 else ""
