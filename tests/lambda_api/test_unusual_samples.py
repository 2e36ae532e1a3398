"""Pictures whose samples Pillow does not read as they are meant."""

import struct

import numpy as np
import pytest

from lambda_api import images

WIDTH, HEIGHT = 32, 16
RAMP = np.linspace(0, 65535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]])


def tiff(samples: np.ndarray, order: str, photometry: int, *, planes: int = 1) -> bytes:
    """Return an uncompressed TIFF of 16 bits per sample: one strip per plane."""
    data = samples.astype(order + "u2").tobytes()
    tags = [
        *[(256, [WIDTH]), (257, [HEIGHT]), (258, [16] * planes), (259, [1]), (262, [photometry])],
        *[(273, [8 + i * len(data) // planes for i in range(planes)]), (277, [planes])],
        *[(278, [HEIGHT]), (279, [len(data) // planes] * planes), (284, [2 if planes > 1 else 1])],
    ]
    start = 8 + len(data)
    spare = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, numbers in tags:
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            at, values = spare + len(values), values + packed
            packed = struct.pack(order + "I", at)
        entries += struct.pack(order + "HHI", tag, 4, len(numbers)) + packed
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + data + struct.pack(order + "H", len(tags)) + entries + bytes(4) + values


@pytest.mark.parametrize("photometry", [0, 1], ids=["0 is white", "0 is black"])
def test_gray_of_16_bits_keeps_its_direction(photometry: int) -> None:
    pixels = images.decode(tiff(RAMP, "<", photometry), (HEIGHT, WIDTH)).pixels

    expected = RAMP >> 8 if photometry else 255 - (RAMP >> 8)
    assert (pixels == expected[..., None]).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_separate_planes_of_16_bits_are_refused(order: str) -> None:
    with pytest.raises(images.UndecodablePicture, match="separate planes"):
        images.decode(tiff(COLORS, order, 2, planes=3), (HEIGHT, WIDTH))


def bmp(alpha: int) -> bytes:
    """Return a BMP of 32 bits with a mask for its alpha channel."""
    pixels = struct.pack("4B", 40, 90, 160, alpha) * (WIDTH * HEIGHT)
    header = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(52)
    head = b"BM" + struct.pack("<IHHI", 122 + len(pixels), 0, 0, 122)
    return head + header + masks + pixels


@pytest.mark.parametrize("alpha", [0, 255])
def test_bmp_with_the_same_alpha_throughout_is_opaque(alpha: int) -> None:
    assert (images.decode(bmp(alpha), (HEIGHT, WIDTH)).pixels == (160, 90, 40)).all()
