"""Bytes to pixels: the one place in the project where a picture is decoded.

Training, calibration, evaluation and serving all call `decode`, so a network is served exactly
what it was trained on.
"""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

MAX_PIXELS = 40_000_000  # 40 megapixels: 160 MB as Pillow holds them, thrice that with transparency
MIN_SIDE = 8  # pixels; below it there is no scene to see, only a colour
MAX_SCANS = 100  # of a JPEG; libjpeg goes over the whole picture for each, and cameras write ten

Format = Literal["JPEG", "PNG", "WEBP"]
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_MAGIC: dict[Format, bytes] = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "WEBP": b"RIFF",
}

# A JPEG's markers, but for those within a scan's data (ITU T.81, B.1.1): stuffed zeros, restarts.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
_SCAN, _END = b"\xda", b"\xd9"

# EXIF 2.32, tag 0x0112: how to turn the stored picture upright. `ImageOps.exif_transpose` does the
# same but also writes the EXIF block anew, which fails on the malformed blocks of real cameras.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own bomb guard only warns in part of its range. The check in `_open` stands in its place.
Image.MAX_IMAGE_PIXELS = None


class PictureError(ValueError):
    """A picture that cannot be classified; the message says why, in words for its sender."""


class NoPicture(PictureError):
    """There are no bytes."""


class UnsupportedFormat(PictureError):
    """The bytes are not a JPEG, PNG or WebP picture."""


class TooManyPixels(PictureError):
    """The picture has more than `MAX_PIXELS` pixels."""


class UndecodablePicture(PictureError):
    """The bytes start like a picture but do not decode, or it is too small to show anything."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 RGB, shape (height, width, 3) of the size that `decode` was asked for.
        format: as told by the content.
        width: width in pixels of the original, upright.
        height: height in pixels of the original, upright.
    """

    pixels: npt.NDArray[np.uint8]
    format: Format
    width: int
    height: int


def decode(data: bytes, size: tuple[int, int]) -> Picture:
    """Decode a picture and scale it to `size`, given as (height, width) in pixels.

    The format is told by the content, never by a name. EXIF orientation is applied, transparency
    is flattened on white, 16-bit grey is scaled to 8, of an animation the first frame is taken.
    The aspect ratio is not kept: the whole picture is seen.

    Raises:
        NoPicture: `data` is empty.
        UnsupportedFormat: not a JPEG, PNG or WebP.
        TooManyPixels: more than `MAX_PIXELS`; found before anything is decoded.
        UndecodablePicture: damaged, cut off, a side of less than `MIN_SIDE` pixels, or more than
            `MAX_SCANS` scans.
    """
    format_ = _sniff(data)
    if format_ == "JPEG":
        _check_scans(data)
    try:
        with Image.open(BytesIO(data), formats=(format_,)) as image:
            stored = _checked_size(image)
            orientation = _orientation(image)
            # Lets libjpeg scale while it decodes (ten times faster on a large photo), but never
            # below twice the size that is needed, so that the filter after it has the last word.
            image.draft(None, (2 * size[1], 2 * size[0]))
            image.load()
            upright = _flatten(image)
    except PictureError:
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged file provokes
        raise UndecodablePicture(f"The {format_} picture is damaged or incomplete.") from error
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    width, height = stored[::-1] if orientation >= 5 else stored
    scaled = upright.resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Picture(np.asarray(scaled), format_, width, height)


def _sniff(data: bytes) -> Format:
    if not data:
        raise NoPicture("There is no picture: zero bytes.")
    for name, magic in _MAGIC.items():
        if data.startswith(magic) and (name != "WEBP" or data[8:12] == b"WEBP"):
            return name
    raise UnsupportedFormat("This is not a JPEG, PNG or WebP picture.")


def _check_scans(data: bytes) -> None:
    scans, position = 0, len(_MAGIC["JPEG"]) - 1
    while (marker := _MARKER.search(data, position)) and marker[1] != _END:
        scans += marker[1] == _SCAN
        if scans > MAX_SCANS:
            raise UndecodablePicture(f"The JPEG picture has more than {MAX_SCANS} scans.")
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])


def _checked_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise TooManyPixels(
            f"{width}x{height} pixels are over the limit of {MAX_PIXELS / 1e6:.0f} megapixels."
        )
    if min(width, height) < MIN_SIDE:
        raise UndecodablePicture(
            f"{width}x{height} is too small: each side needs at least {MIN_SIDE} pixels."
        )
    return width, height


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 (upright) where there is none or it cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a broken EXIF block does not make the picture unreadable
        return 1
    return value if value in _UPRIGHT else 1


def _flatten(image: Image.Image) -> Image.Image:
    """The picture as 8-bit RGB without transparency."""
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips it to white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba)
        return flat
    return image.convert("RGB")
