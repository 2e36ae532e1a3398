"""Pictures made from real photos, and invalid ones."""

import hashlib
import struct
import zlib
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from lambda_api import images


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def package_folder(name: str) -> Path:
    """Return the folder of a package without its slow import."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


CHINA = package_folder("sklearn") / "datasets" / "images" / "china.jpg"
SCIKIT_IMAGE = package_folder("skimage") / "data"


def china(width: int = 240, height: int = 160) -> Image.Image:
    """Return a real photo in RGB of a size in pixels."""
    with Image.open(CHINA) as image:
        return image.resize((width, height), Image.Resampling.LANCZOS)


def encode(image: Image.Image, format_: str, **options: Any) -> bytes:
    if format_ == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    """Write a PNG of a kind that Pillow cannot write. Each row starts with its filter byte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_of_16_bits(pixels: np.ndarray) -> bytes:
    """Write uint16 grayscale (height, width) or RGB (height, width, 3) as a PNG."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    color = 2 if pixels.ndim == 3 else 0
    return png(width, height, 16, color, np.pad(rows, ((0, 0), (1, 0))).tobytes())


def jpeg_that_claims(width: int, height: int) -> bytes:
    """Return a small JPEG whose header has another size."""
    data = bytearray(encode(china(16, 16), "JPEG"))
    position = data.index(b"\xff\xc0") + 5
    data[position : position + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean absolute difference of two pixel arrays, in levels of 0..255."""
    return float(np.abs(a.astype(float) - b).mean())


def heic(image: Image.Image, orientation: int = 1, **options: Any) -> bytes:
    """Return a HEIC whose property irot or imir, and EXIF block, have an orientation."""
    from pillow_heif import from_pillow

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = from_pillow(image)
    file.info["exif"] = exif.tobytes()
    buffer = BytesIO()
    file.save(buffer, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    checked = kind + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


@cache
def jpeg_of_scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated until it has `count` scans."""
    data = encode(china(48, 32), "JPEG", progressive=True)
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    more = count - data.count(b"\xff\xda")
    return data[:end] + more * data[start:end] + data[end:]


@cache
def refused() -> dict[str, tuple[bytes, type[images.PictureError]]]:
    """Return invalid pictures by kind, each with its error."""
    photo = china()
    jpeg, webp = encode(photo, "JPEG"), encode(photo, "WEBP")
    return {
        "empty": (b"", images.NoPicture),
        "text": (b"Not a picture at all, whatever its name.\n", images.UnsupportedFormat),
        "icon": (encode(photo, "ICO"), images.UnsupportedFormat),
        "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', images.UnsupportedFormat),
        "MP4 video": (b"\0\0\0\x18ftypisom\0\0\2\0isomavc1", images.UnsupportedFormat),
        "truncated HEIC": (heic(photo)[:3000], images.UndecodablePicture),
        "TIFF of 32-bit samples": (encode(photo.convert("F"), "TIFF"), images.UndecodablePicture),
        "RIFF but not WebP": (b"RIFF\x24\0\0\0WAVEfmt ", images.UnsupportedFormat),
        "truncated JPEG": (jpeg[: len(jpeg) // 2], images.UndecodablePicture),
        "truncated PNG": (encode(photo, "PNG")[:20_000], images.UndecodablePicture),
        "truncated WebP": (webp[: len(webp) // 2], images.UndecodablePicture),
        "JPEG of three bytes": (b"\xff\xd8\xff", images.UndecodablePicture),
        "JPEG of 101 scans": (jpeg_of_scans(101), images.UndecodablePicture),
        "1x1": (encode(china(1, 1), "PNG"), images.UndecodablePicture),
        "20,000x20,000 JPEG": (jpeg_that_claims(20_000, 20_000), images.TooManyPixels),
        "20,000x20,000 PNG": (
            png(20_000, 20_000, 1, 0, bytes(20_000 * 2_501)),
            images.TooManyPixels,
        ),
    }
