"""Each row of the documented table of refused pictures, with its status."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.lambda_api.pictures import (
    china,
    encode,
    jpeg_of_scans,
    jpeg_that_claims,
    png_chunk,
)
from tests.lambda_api.test_unusual_samples import HEIGHT, WIDTH, tiff

PHOTO = china(96, 64)


def bmp(bits: int, compression: int, data: bytes, masks: tuple[int, ...] = ()) -> bytes:
    size = 40 + 4 * len(masks)
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, compression, 0, 0, 0, 0, 0)
    head = b"BM" + struct.pack("<IHHI", 14 + size + len(data), 0, 0, 14 + size)
    return head + header + struct.pack(f"<{len(masks)}I", *masks) + data


def cgbi() -> bytes:
    """Return a PNG as Xcode writes it: raw deflate data behind the chunk CgBI."""
    data = encode(PHOTO, "PNG")
    at = data.index(b"IDAT")
    rows = zlib.decompress(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at])])
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = packer.compress(rows) + packer.flush()
    return b"".join(
        [data[:8], png_chunk(b"CgBI", b"P\0 \6"), data[8:33], png_chunk(b"IDAT", raw), data[-12:]]
    )


def png_that_claims(width: int, height: int) -> bytes:
    data = encode(PHOTO, "PNG")
    header = png_chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29])
    return data[:8] + header + data[33:]


PIXELS = WIDTH * HEIGHT
MASKS_OF_10_BITS = (0x3FF00000, 0xFFC00, 0x3FF)
REFUSED: dict[str, tuple[bytes, int]] = {
    "another format": (encode(PHOTO, "ICO"), 415),
    "over 120 megapixels": (jpeg_that_claims(12_000, 10_001), 413),
    "more memory than the limit": (png_that_claims(12_000, 8_000), 413),
    "truncated": (encode(PHOTO, "JPEG")[:-300], 422),
    "a side under 8 pixels": (encode(china(7, 64), "PNG"), 422),
    "too many scans": (jpeg_of_scans(101), 422),
    "signed samples": (tiff(bytes(PIXELS), bits=8, more=((339, [2]),)), 422),
    "floating-point samples": (encode(PHOTO.convert("F"), "TIFF"), 422),
    "10 bits": (tiff(bytes(PIXELS * 2), bits=10), 422),
    "14 bits": (tiff(bytes(PIXELS * 2), bits=14), 422),
    "32 bits": (tiff(bytes(PIXELS * 4), bits=32), 422),
    "16-bit gray with alpha": (tiff(bytes(PIXELS * 4), samples=2, more=((338, [2]),)), 422),
    "separate planes": (tiff(bytes(PIXELS * 6), photometry=2, samples=3, planes=3), 422),
    "BMP of 4 bits": (bmp(16, 3, bytes(PIXELS * 2), (0xF00, 0xF0, 0xF)), 422),
    "BMP of 10 bits": (bmp(32, 3, bytes(PIXELS * 4), MASKS_OF_10_BITS), 422),
    "BMP with a JPEG": (bmp(0, 4, encode(PHOTO, "JPEG")), 422),
    "CgBI": (cgbi(), 422),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_picture_has_the_documented_status(client: TestClient, kind: str) -> None:
    data, status = REFUSED[kind]

    answer = client.post("/predict", content=data)

    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_gray_tiff_of_documented_bits_is_read(client: TestClient, bits: int) -> None:
    assert client.post("/predict", content=tiff(bytes(PIXELS * 2), bits=bits)).status_code == 200


@pytest.mark.parametrize("bits", [8, 16])
def test_color_tiff_of_documented_bits_is_read(client: TestClient, bits: int) -> None:
    data = tiff(bytes(PIXELS * 6), photometry=2, bits=bits, samples=3)

    assert client.post("/predict", content=data).status_code == 200


@pytest.mark.parametrize("compression", ["tiff_jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_compressed_tiff_is_read(client: TestClient, mode: str, compression: str) -> None:
    data = encode(PHOTO.convert(mode), "TIFF", compression=compression)

    assert client.post("/predict", content=data).status_code == 200


def test_old_jpeg_in_a_tiff_is_read(client: TestClient) -> None:
    """Compression 6, with the whole JPEG behind the tag 513."""
    data = encode(Image.fromarray(np.asarray(china(WIDTH, HEIGHT))), "JPEG")
    more = ((513, [8]), (514, [len(data)]), (530, [2, 2]))
    picture = tiff(data, photometry=6, bits=8, samples=3, more=more)
    with Image.open(BytesIO(data)) as image:
        assert image.size == (WIDTH, HEIGHT)
    at = picture.rindex(struct.pack("<HHI", 259, 4, 1)) + 8
    picture = picture[:at] + struct.pack("<I", 6) + picture[at + 4 :]

    assert client.post("/predict", content=picture).status_code == 200
