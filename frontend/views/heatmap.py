"""Heat map of an occlusion map, drawn over the picture."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

# Ends of ColorBrewer's palette PuOr, which color-blind people can tell apart.
SUPPORTS = (230, 97, 1)  # RGB of tiles that support the label
CONTRADICTS = (94, 60, 153)  # RGB of tiles that contradict it
FAINT = 0.03  # change of probability below which no single tile matters
FULL = 0.10  # change of probability from which a tile gets the full color


def blend(preview: bytes, drops: Sequence[Sequence[float]], opacity: float) -> bytes:
    """Color a picture by the drop of the label's probability when each tile is hidden.

    The scale is absolute: a tile gets the full color from a drop of `FULL`, or from the largest
    drop if that is larger. The picture is gray below the colors, so that they show on any photo.

    Args:
        preview: the upright picture as JPEG.
        drops: a square of values from the top left, each -1 to 1.
        opacity: opacity of the full color, 0 to 1.

    Returns:
        A JPEG of the preview's size; the preview itself if `is_faint`.
    """
    if is_faint(drops):
        return preview
    with Image.open(BytesIO(preview)) as image:
        picture = image.convert("L").convert("RGB")
    weights = np.asarray(drops, np.float32)
    weights /= max(float(np.abs(weights).max()), FULL)
    heat = np.asarray(Image.fromarray(weights).resize(picture.size, Image.Resampling.BICUBIC))
    heat = heat.clip(-1, 1)[..., np.newaxis]
    color = np.where(heat > 0, np.array(SUPPORTS, np.float32), np.array(CONTRADICTS, np.float32))
    alpha = np.abs(heat) * opacity
    blended = np.asarray(picture, np.float32) * (1 - alpha) + color * alpha
    buffer = BytesIO()
    Image.fromarray(blended.round().astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def is_faint(drops: Sequence[Sequence[float]]) -> bool:
    """Return True if no tile changes the probability by `FAINT` or more."""
    return float(np.abs(np.asarray(drops)).max()) < FAINT


def describe(drops: Sequence[Sequence[float]], label: str) -> str:
    """Describe in one sentence which area of the picture supports the label most."""
    values = np.asarray(drops)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    drop = float(values[row, column])
    if drop < FAINT:
        return (
            f"No single area decides this prediction: hiding any one of the {values.size} tiles "
            f"lowers the confidence in “{label}” by at most {max(drop, 0) * 100:.1f} percentage "
            "points."
        )
    parts = (
        _third(int(row), values.shape[0], "top", "bottom"),
        _third(int(column), values.shape[1], "left", "right"),
    )
    area = " ".join(part for part in parts if part) or "center"
    return (
        f"The {area} of the photo matters most: hiding it lowers the confidence in “{label}” by "
        f"{drop * 100:.0f} percentage points."
    )


def _third(index: int, count: int, first: str, last: str) -> str:
    share = (index + 0.5) / count
    return first if share < 1 / 3 else last if share > 2 / 3 else ""
