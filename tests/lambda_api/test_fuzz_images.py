"""Fuzzing of the decoder: pixels or a documented error, in bounded memory."""

import io
import resource
import struct
import zlib
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lambda_api import images
from tests.lambda_api.pictures import (
    SCIKIT_IMAGE,
    china,
    encode,
    heic,
    jpeg_that_claims,
    png_of_16_bits,
)

SIZE = (64, 48)
MAX_GROWTH_MB = images.MAX_DECODED_BYTES / 1e6


def _with_exif(image: Image.Image) -> bytes:
    exif = image.getexif()
    exif[0x0112] = 6
    return encode(image, "JPEG", exif=exif)


PHOTO = china(96, 64)
SEEDS = [
    encode(PHOTO, "JPEG"),
    encode(PHOTO, "JPEG", progressive=True),
    encode(PHOTO.convert("CMYK"), "JPEG"),
    _with_exif(PHOTO),
    encode(PHOTO, "PNG"),
    encode(PHOTO.convert("P"), "PNG"),
    encode(PHOTO.convert("RGBA"), "PNG"),
    png_of_16_bits(np.asarray(PHOTO).astype(np.uint16) * 257),
    encode(PHOTO, "WEBP"),
    encode(PHOTO, "WEBP", lossless=True),
    encode(PHOTO, "WEBP", save_all=True, append_images=[china(96, 64)]),
    encode(PHOTO, "MPO"),
    heic(PHOTO),
    heic(PHOTO, 6),
    encode(PHOTO, "AVIF"),
    encode(PHOTO, "TIFF"),
    encode(PHOTO, "TIFF", compression="tiff_lzw"),
    encode(PHOTO, "TIFF", big_tiff=True),
    encode(PHOTO, "GIF", save_all=True, append_images=[china(96, 64)]),
    encode(PHOTO.quantize(16), "BMP"),
    jpeg_that_claims(60_000, 60_000),
    (SCIKIT_IMAGE / "chessboard_RGB.png").read_bytes()[:20_000],
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a real picture with changed, removed, repeated, spliced or truncated bytes."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        # Most of what a parser reads is at the front.
        front = draw(st.booleans())
        at = draw(st.integers(0, min(len(data), 200) if front else len(data)))
        match draw(st.sampled_from(["change", "cut", "repeat", "splice", "end", "number"])):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 512))]
            case "splice":
                other = draw(st.sampled_from(SEEDS))
                start = draw(st.integers(0, len(other)))
                data[at:at] = other[start : start + draw(st.integers(1, 512))]
            case "end":
                del data[max(at, 12) :]
            case "number":
                number = draw(st.sampled_from([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
                data[at : at + 4] = struct.pack(">I", number)
    return bytes(data)


# Pillow warns about a broken EXIF block and continues.
CORRUPT_EXIF = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def memory_mb() -> float:
    """Return the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def decoded(data: bytes) -> images.Picture | images.PictureError:
    try:
        return images.decode(data, SIZE)
    except images.PictureError as error:
        return error


@CORRUPT_EXIF
def test_mutated_pictures_are_decoded_or_rejected() -> None:
    before = memory_mb()
    outcomes: set[str] = set()

    @settings(
        max_examples=1500,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated())
    def fuzz(data: bytes) -> None:
        outcome = decoded(data)
        outcomes.add(type(outcome).__name__)
        if isinstance(outcome, images.PictureError):
            assert type(outcome) in documented
            assert 10 < len(str(outcome)) < 200
        else:
            assert outcome.pixels.shape == (*SIZE, 3)
            assert outcome.pixels.dtype == np.uint8
            assert min(outcome.width, outcome.height) >= images.MIN_SIDE
            assert outcome.width * outcome.height <= images.MAX_PIXELS

    documented = set(images.PictureError.__subclasses__())

    fuzz()

    assert outcomes >= {"Picture", "UndecodablePicture", "UnsupportedFormat", "TooManyPixels"}
    assert memory_mb() - before < MAX_GROWTH_MB


def png_with(kind: bytes, data: bytes) -> bytes:
    """Return a real PNG with another chunk after its header."""
    picture = encode(PHOTO, "PNG")
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return picture[:33] + chunk + picture[33:]


@cache
def packed_megabytes() -> bytes:
    """Return 400 MB of zeros, compressed."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 24)) for _ in range(24)) + packer.flush()


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_400_megabytes_of_compressed_text_do_not_fill_memory(kind: bytes) -> None:
    prefix = b"a\0\1\0\0\0" if kind == b"iTXt" else b"a\0\0"
    data = png_with(kind, prefix + packed_megabytes())
    before = memory_mb()

    pixels = images.decode(data, SIZE).pixels

    assert np.array_equal(pixels, images.decode(encode(PHOTO, "PNG"), SIZE).pixels)
    assert memory_mb() - before < 100


@CORRUPT_EXIF
def test_invalid_exif_block_is_ignored() -> None:
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 0xFFFF) + b"\x01\x12" * 400
    buffer = io.BytesIO()

    PHOTO.save(buffer, "JPEG", exif=exif)

    assert images.decode(buffer.getvalue(), SIZE).width == 96
