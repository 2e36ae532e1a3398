from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from frontend.views.heatmap import blend, in_words


def grey(width: int = 90, height: int = 60) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), (128, 128, 128)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def pixels(jpeg: bytes) -> np.ndarray:
    with Image.open(BytesIO(jpeg)) as image:
        return np.asarray(image).astype(int)


CORNER = [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -0.5]]


def test_what_speaks_for_the_label_is_red_and_what_speaks_against_it_blue() -> None:
    drawn = pixels(blend(grey(), CORNER, opacity=0.8))

    red, _, blue = drawn[3, 3]
    assert red - blue > 60
    red, _, blue = drawn[-4, -4]
    assert blue - red > 60


def test_the_rest_of_the_picture_is_left_as_it_is() -> None:
    drawn = pixels(blend(grey(), CORNER, opacity=0.8))

    assert np.abs(drawn[30, 45] - 128).max() <= 12
    assert drawn.shape == (60, 90, 3)


def test_no_opacity_shows_the_picture() -> None:
    assert np.abs(pixels(blend(grey(), CORNER, opacity=0)) - 128).max() <= 3


def test_more_opacity_shows_more_colour() -> None:
    less, more = (pixels(blend(grey(), CORNER, opacity=o))[3, 3, 0] for o in (0.3, 0.9))

    assert more > less


def test_a_map_of_nothing_colours_nothing() -> None:
    assert np.abs(pixels(blend(grey(), [[0.0] * 3] * 3, opacity=1)) - 128).max() <= 3


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(0, 0, "top left"), (2, 1, "bottom"), (1, 1, "middle"), (1, 2, "right")],
)
def test_the_strongest_part_is_named(row: int, column: int, words: str) -> None:
    drops = np.zeros((3, 3))
    drops[row, column] = 0.4

    assert in_words(drops.tolist(), "sea").startswith(f"It rests most on the {words} of")
    assert in_words(drops.tolist(), "sea").endswith("sea loses 40 percentage points.")


def test_where_no_part_decides_alone_the_words_say_so() -> None:
    assert "No part of the picture alone decides for sea" in in_words([[0.004, -0.2]], "sea")
    assert "0.4 percentage points" in in_words([[0.004, -0.2]], "sea")
