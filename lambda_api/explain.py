"""Which parts of a picture an answer rests on: an occlusion map (Zeiler, Fergus 2014).

Each cell of a grid is covered in turn; what the label's probability loses is the cell's weight.
arXiv:1311.2901, section 4.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

from lambda_api.classifier import Answer, Classifier

OVERLAY_SIDE = 448  # pixels of the overlay's longer side
_OPACITY = 0.6  # of the overlay where the drop is largest
_HOT = np.array([255, 0, 0], np.float32)

Drops = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer with its occlusion map.

    Attributes:
        drops: (grid, grid) from the top left, each -1..1: the label's calibrated probability for
            the picture, minus that with the cell covered. Above zero, the cell speaks for it.
    """

    answer: Answer
    drops: Drops


def explain(classifier: Classifier, data: bytes, grid: int) -> Explanation:
    """Classify a picture, and again with each of `grid` x `grid` cells covered.

    A cell is covered by the picture's mean colour, which is no edge of its own in most scenes.
    Takes `grid**2 + 1` inferences, decoding once. One picture at a time: on one thread, LiteRT is
    hardly faster with an input of several, and needs their memory.

    Raises:
        PictureError: as `images.decode`.
    """
    answer = classifier.classify(data)
    covered = _covered(answer.picture.pixels, grid)
    label = classifier.manifest.classes.index(answer.label)
    drops = answer.confidence - classifier.probabilities(covered)[:, label]
    return Explanation(answer, drops.reshape(grid, grid))


def _covered(pixels: Pixels, grid: int) -> Iterator[Pixels]:
    """The picture with each cell covered in turn, row by row."""
    rows = np.linspace(0, pixels.shape[0], grid + 1).round().astype(int)
    columns = np.linspace(0, pixels.shape[1], grid + 1).round().astype(int)
    mean = pixels.mean(axis=(0, 1)).round().astype(np.uint8)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            one = pixels.copy()
            one[top:bottom, left:right] = mean
            yield one


def overlay_png(explanation: Explanation) -> bytes:
    """The picture as a PNG, in its own proportions, redder where the answer rests on it."""
    picture = explanation.answer.picture
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
