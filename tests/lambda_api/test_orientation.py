"""EXIF orientation, and broken EXIF blocks."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from lambda_api import images
from tests.lambda_api.pictures import china, difference, encode

SIZE = (150, 150)
# The transposition from the upright scene to the stored picture (EXIF 2.32, tag 0x0112).
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def turned(upright: Image.Image, orientation: int, format_: str, **options: object) -> bytes:
    how = STORED[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = upright if how is None else upright.transpose(how)
    return encode(stored, format_, exif=exif, **options)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(
    ("format_", "options", "tolerance"),
    [("PNG", {}, 0), ("WEBP", {"lossless": True}, 0), ("JPEG", {"quality": 95}, 2)],
    ids=["PNG", "WebP", "JPEG"],
)
def test_a_turned_photo_is_seen_upright(
    format_: str, options: dict, tolerance: float, orientation: int
) -> None:
    upright = china()
    plain = images.decode(encode(upright, "PNG"), SIZE)

    picture = images.decode(turned(upright, orientation, format_, **options), SIZE)

    assert difference(picture.pixels, plain.pixels) <= tolerance
    assert (picture.width, picture.height) == upright.size


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_large_turned_photo_is_seen_upright(orientation: int) -> None:
    upright = china(2400, 1600)
    plain = images.decode(encode(upright, "JPEG", quality=95), SIZE)

    picture = images.decode(turned(upright, orientation, "JPEG", quality=95), SIZE)

    assert difference(picture.pixels, plain.pixels) < 1
    assert (picture.width, picture.height) == upright.size


def test_rotation_is_the_same_as_in_pillow() -> None:
    for orientation in STORED:
        data = turned(china(), orientation, "PNG")
        with Image.open(BytesIO(data)) as image:
            expected = ImageOps.exif_transpose(image).resize(SIZE, Image.Resampling.BILINEAR)
        assert np.array_equal(images.decode(data, SIZE).pixels, np.asarray(expected))


def block(kind: int, value: bytes, count: int = 1) -> bytes:
    """Return an EXIF block with one entry: the orientation, as a TIFF type."""
    entry = struct.pack("<LHHHL4sL", 8, 1, ExifTags.Base.Orientation, kind, count, value, 0)
    return b"Exif\0\0II*\0" + entry


BROKEN = {
    "no TIFF header": b"Exif\0\0garbage",
    "nothing after the name": b"Exif\0\0",
    "directory beyond the end": b"Exif\0\0II*\0\xff\xff\xff\x7f",
    "directory cut off": block(3, b"\6")[:20],
    "orientation 0": block(3, b"\0"),
    "orientation 9": block(3, b"\x09"),
    "orientation as text": block(2, b"6", 2),
    "orientation as a fraction": block(5, b"\xff\xff\xff\x7f"),
}


@pytest.mark.filterwarnings("ignore")  # Pillow warns about some of them
@pytest.mark.parametrize("exif", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_with_broken_exif_is_taken_as_upright(format_: str, exif: bytes) -> None:
    photo = china()
    plain = images.decode(encode(photo, format_), SIZE)

    picture = images.decode(encode(photo, format_, exif=exif), SIZE)

    assert np.array_equal(picture.pixels, plain.pixels)
    assert (picture.width, picture.height) == photo.size
