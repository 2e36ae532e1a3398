from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from frontend.views.heatmap import blend, describe


def gray(width: int = 90, height: int = 60) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), (128, 128, 128)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def pixels(jpeg: bytes) -> np.ndarray:
    with Image.open(BytesIO(jpeg)) as image:
        return np.asarray(image).astype(int)


CORNER = [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -0.5]]


def test_supporting_tiles_are_orange_and_contradicting_ones_purple() -> None:
    drawn = pixels(blend(gray(), CORNER, opacity=0.8))

    red, _, blue = drawn[3, 3]
    assert red - blue > 60
    red, _, blue = drawn[-4, -4]
    assert blue - red > 30


def test_other_tiles_keep_their_color() -> None:
    drawn = pixels(blend(gray(), CORNER, opacity=0.8))

    assert np.abs(drawn[30, 45] - 128).max() <= 12
    assert drawn.shape == (60, 90, 3)


def test_zero_opacity_shows_the_picture() -> None:
    assert np.abs(pixels(blend(gray(), CORNER, opacity=0)) - 128).max() <= 3


def test_higher_opacity_shows_more_color() -> None:
    less, more = (pixels(blend(gray(), CORNER, opacity=o))[3, 3, 0] for o in (0.3, 0.9))

    assert more > less


def test_map_of_zeros_adds_no_color() -> None:
    assert np.abs(pixels(blend(gray(), [[0.0] * 3] * 3, opacity=1)) - 128).max() <= 3


def test_faint_map_leaves_the_picture_as_it_is() -> None:
    assert blend(gray(), [[0.002, -0.029], [0.0, 0.0]], opacity=1) == gray()


def test_scale_is_absolute() -> None:
    weak, strong = (
        pixels(blend(gray(), [[drop, 0.0], [0.0, 0.0]], opacity=1))[3, 3] for drop in (0.05, 0.1)
    )
    stronger = pixels(blend(gray(), [[0.4, 0.0], [0.0, 0.0]], opacity=1))[3, 3]

    assert (weak - 128)[0] < 0.7 * (strong - 128)[0]
    assert np.abs(strong - stronger).max() <= 3


def test_photo_below_the_colors_is_gray() -> None:
    buffer = BytesIO()
    Image.new("RGB", (60, 60), (250, 120, 10)).save(buffer, "JPEG", quality=95)

    drawn = pixels(blend(buffer.getvalue(), CORNER, opacity=0.8))

    assert np.ptp(drawn[30, 30]) <= 12


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(0, 0, "top left"), (2, 1, "bottom"), (1, 1, "center"), (1, 2, "right")],
)
def test_description_names_the_strongest_area(row: int, column: int, words: str) -> None:
    drops = np.zeros((3, 3))
    drops[row, column] = 0.4

    description = describe(drops.tolist(), "sea")

    assert description.startswith(f"The {words} of the photo matters most")
    assert description.endswith("the confidence in “sea” by 40 percentage points.")


def test_description_of_faint_drops_names_no_area() -> None:
    description = describe([[0.004, -0.2]], "sea")

    assert "No single area decides this prediction" in description
    assert "any one of the 2 tiles lowers the confidence in “sea” by at most" in description
    assert "0.4 percentage points" in description
