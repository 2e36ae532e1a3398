"""Invalid pictures: each kind has its error and is cheap to reject."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_api import images
from tests.lambda_api.pictures import (
    china,
    encode,
    heic,
    jpeg_of_scans,
    jpeg_that_claims,
    png,
    png_of_16_bits,
    refused,
)

SIZE = (150, 150)
SMALL = china(48, 32)
SECOND_FRAME = china(48, 32).rotate(180)
FORMATS = {
    "JPEG": encode(SMALL, "JPEG"),
    "progressive JPEG": encode(SMALL, "JPEG", progressive=True),
    "PNG": encode(SMALL, "PNG"),
    "WebP": encode(SMALL, "WEBP"),
    "lossless WebP": encode(SMALL, "WEBP", lossless=True),
    "JPEG with restarts": encode(SMALL, "JPEG", restart_marker_blocks=2),
    "HEIC": heic(SMALL),
    "AVIF": encode(SMALL, "AVIF"),
    "TIFF": encode(SMALL, "TIFF", compression="tiff_lzw"),
    "GIF": encode(SMALL, "GIF"),
    "BMP": encode(SMALL, "BMP"),
}


@pytest.mark.parametrize("kind", refused())
def test_each_kind_of_invalid_picture_has_its_error(kind: str) -> None:
    data, error = refused()[kind]

    with pytest.raises(error) as caught:
        images.decode(data, SIZE)

    assert type(caught.value) is error
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_picture_is_rejected_or_complete(kind: str) -> None:
    data = FORMATS[kind]
    whole = images.decode(data, SIZE).pixels
    for length in range(0, len(data), 7):
        try:
            picture = images.decode(data[:length], SIZE)
        except images.PictureError:
            continue
        assert np.array_equal(picture.pixels, whole), f"a part is shown after {length} bytes"


def test_only_scans_of_the_picture_are_counted() -> None:
    """Phones append a video to a picture, or put a preview before it."""
    fine = jpeg_of_scans(images.MAX_SCANS)
    behind = fine + 200 * b"\xff\xda"
    preview = b"\xff\xe1" + (2 + 400).to_bytes(2) + 200 * b"\xff\xda"
    before = fine[:2] + preview + fine[2:]
    whole = images.decode(fine, SIZE).pixels
    for data in (behind, before):
        assert np.array_equal(images.decode(data, SIZE).pixels, whole)


@pytest.mark.parametrize(("width", "height"), [(8, 8), (8, 500), (500, 8)])
def test_the_smallest_side_is_eight_pixels(width: int, height: int) -> None:
    assert images.decode(encode(china(width, height), "PNG"), SIZE).width == width
    with pytest.raises(images.UndecodablePicture, match="too small"):
        images.decode(encode(china(min(width, 7), height), "PNG"), SIZE)


def test_the_limit_is_120_megapixels() -> None:
    with pytest.raises(images.TooManyPixels, match=r"12000x10001 pixels, .* 120 megapixels"):
        images.decode(jpeg_that_claims(12_000, 10_001), SIZE)
    # libjpeg fills missing pixels with gray.
    assert images.decode(jpeg_that_claims(12_000, 10_000), SIZE).width == 12_000


@pytest.mark.parametrize("kind", FORMATS)
def test_the_limit_of_decoded_memory_applies_to_every_format(kind: str) -> None:
    with pytest.raises(images.TooManyPixels, match=r"48x32 pixels.* over the limit of 0 MB"):
        images.decode(FORMATS[kind], SIZE, max_decoded_bytes=48 * 32)


def test_scans_are_limited_by_their_pixels() -> None:
    """A hundred scans of a large picture take minutes."""
    data = bytearray(jpeg_of_scans(90))
    at = data.index(b"\xff\xc2") + 5
    data[at : at + 4] = struct.pack(">HH", 10_000, 10_000)

    with pytest.raises(images.UndecodablePicture, match="90 scans"):
        images.decode(bytes(data), SIZE)


WEIGH = """
import resource, sys
from lambda_api import images
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    images.decode(data, (150, 150))
except images.TooManyPixels:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["20,000x20,000 JPEG", "20,000x20,000 PNG"])
def test_a_decompression_bomb_is_refused_without_decoding(kind: str, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb"
    bomb.write_bytes(refused()[kind][0])

    result = subprocess.run(
        [sys.executable, "-c", WEIGH, bomb], capture_output=True, text=True, check=True
    )

    assert int(result.stdout) < 10_000  # KiB; decoded it would take 400,000 and more


ORIGINALS = [
    *FORMATS.values(),
    encode(SMALL, "PNG", save_all=True, append_images=[SECOND_FRAME]),
    encode(SMALL, "WEBP", save_all=True, append_images=[SECOND_FRAME]),
    encode(SMALL, "MPO", save_all=True, append_images=[SECOND_FRAME]),
    encode(SMALL.quantize(16), "PNG", transparency=3),
    encode(SMALL.convert("CMYK"), "JPEG"),
    png_of_16_bits(np.asarray(SMALL.convert("L")).astype(np.uint16) * 256),
    png(48, 32, 1, 0, bytes(32 * 7)),
    encode(SMALL, "GIF", save_all=True, append_images=[SECOND_FRAME]),
    encode(SMALL.quantize(16), "TIFF"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a real picture with some bytes overwritten, removed and inserted."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    places = st.integers(0, len(data) - 1)
    for at, value in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=12)):
        data[at] = value
    start = draw(places)
    data[start : start + draw(st.integers(0, 40))] = draw(st.binary(max_size=40))
    return bytes(data)


@pytest.mark.filterwarnings("ignore")  # Pillow warns about some of them
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_damaged_picture_is_decoded_or_rejected(data: bytes) -> None:
    try:
        picture = images.decode(data, SIZE)
    except images.PictureError:
        return

    assert picture.pixels.shape == (150, 150, 3)
    assert picture.pixels.dtype == np.uint8
