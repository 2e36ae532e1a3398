"""Occlusion maps (Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2).

Each cell of a grid is covered in turn. The drop of the label's probability is the cell's value.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

from lambda_api.classifier import Classifier, Prediction
from lambda_api.workers import PROCESSORS, Run

OVERLAY_SIDE = 448  # longer side of the overlay in pixels
_OPACITY = 0.6  # of the red where the drop is largest
_HOT = np.array([255, 0, 0], np.float32)

Drops = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A prediction with its occlusion map.

    Attributes:
        prediction: the prediction that is explained.
        drops: float64 (grid, grid) from the top left, each -1..1. The label's calibrated
            probability for the picture, minus the probability with the cell covered. A positive
            value supports the label.
    """

    prediction: Prediction
    drops: Drops


async def explain(classifier: Classifier, data: bytes, grid: int, run: Run) -> Explanation:
    """Classify a picture, and again with each of `grid` x `grid` cells covered.

    The cover is the picture's mean color, which adds no strong edges in most scenes. The picture
    is decoded once and takes `grid**2 + 1` inferences, which all processors share. Pictures are not
    batched: on one thread, a batch is hardly faster in LiteRT and needs more memory.

    Args:
        classifier: the bundle.
        data: content of the picture's file.
        grid: cells per side.
        run: runs decoding and inference.

    Raises:
        PictureError: as `images.decode`.
    """
    prediction = await run(classifier.classify, data)
    label = classifier.manifest.classes.index(prediction.label)
    drops = np.empty(grid * grid)

    async def explain_share(first: int) -> None:
        pixels = islice(_covered(prediction.picture.pixels, grid), first, None, shares)
        probabilities = await run(classifier.probabilities, pixels)
        drops[first::shares] = prediction.confidence - probabilities[:, label]

    shares = min(PROCESSORS, len(drops))
    await asyncio.gather(*map(explain_share, range(shares)))
    return Explanation(prediction, drops.reshape(grid, grid))


def _covered(pixels: Pixels, grid: int) -> Iterator[Pixels]:
    """Yield the picture with each cell covered in turn, row by row."""
    rows = np.linspace(0, pixels.shape[0], grid + 1).round().astype(int)
    columns = np.linspace(0, pixels.shape[1], grid + 1).round().astype(int)
    mean = pixels.mean(axis=(0, 1)).round().astype(np.uint8)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            covered = pixels.copy()
            covered[top:bottom, left:right] = mean
            yield covered


def overlay_png(explanation: Explanation) -> bytes:
    """Draw the map over the picture: a PNG with its aspect ratio, red where drops are positive."""
    picture = explanation.prediction.picture
    scale = OVERLAY_SIDE / max(picture.width, picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    weights = explanation.drops.clip(min=0)
    weights /= max(float(weights.max()), 1e-9)
    heat = Image.fromarray(weights.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    opacity = (np.asarray(heat).clip(0, 1) * _OPACITY)[..., np.newaxis]
    scene = np.asarray(Image.fromarray(picture.pixels).resize(size), np.float32)
    blended = scene * (1 - opacity) + _HOT * opacity
    buffer = BytesIO()
    Image.fromarray(blended.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
