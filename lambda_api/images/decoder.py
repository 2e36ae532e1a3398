"""Picture decoding: bytes to pixels.

Training, calibration, evaluation and serving all call `decode`, so a served network gets the same
pixels as in training.
"""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

MAX_PIXELS = 40_000_000  # 40 megapixels: 160 MB in Pillow, three times that with transparency
MIN_SIDE = 8  # pixels; a smaller picture shows no scene, only a color
MAX_SCANS = (
    100  # of a JPEG; libjpeg processes the whole picture once per scan. Cameras write about ten
)

Format = Literal["JPEG", "PNG", "WEBP"]
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_MAGIC: dict[Format, bytes] = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "WEBP": b"RIFF",
}

# JPEG markers (ITU T.81, B.1.1), except those inside scan data: stuffed zeros and restarts.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
_SCAN, _END = b"\xda", b"\xd9"

# EXIF 2.32, tag 0x0112: the transposition that turns the stored picture upright.
# `ImageOps.exif_transpose` also rewrites the EXIF block, which fails on malformed blocks that real
# cameras write.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's decompression bomb guard only warns in part of its range. `_checked_size` replaces it.
Image.MAX_IMAGE_PIXELS = None


class PictureError(ValueError):
    """A picture that cannot be classified. The message is for the sender of the picture."""


class NoPicture(PictureError):
    """The picture is empty (0 bytes) or missing."""


class UnsupportedFormat(PictureError):
    """The bytes are not a JPEG, PNG or WebP picture."""


class TooManyPixels(PictureError):
    """The picture has more than `MAX_PIXELS` pixels."""


class UndecodablePicture(PictureError):
    """The picture is damaged, incomplete or too small."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 RGB, shape (height, width, 3), of the size passed to `decode`.
        format: file format, detected from the content.
        width: width in pixels of the original, after EXIF rotation.
        height: height in pixels of the original, after EXIF rotation.
    """

    pixels: npt.NDArray[np.uint8]
    format: Format
    width: int
    height: int


def decode(data: bytes, size: tuple[int, int]) -> Picture:
    """Decode a picture and resize it to `size`.

    - The format is detected from the content, not from a file name.
    - The EXIF orientation is applied.
    - Transparent pixels become white.
    - 16-bit grayscale is scaled to 8 bits.
    - For an animation, the first frame is used.
    - The aspect ratio is not kept, and nothing is cropped.

    Args:
        data: the content of the file.
        size: (height, width) of the result in pixels.

    Raises:
        NoPicture: `data` is empty.
        UnsupportedFormat: not a JPEG, PNG or WebP.
        TooManyPixels: more than `MAX_PIXELS`. Checked before decoding.
        UndecodablePicture: damaged, truncated, a side shorter than `MIN_SIDE` pixels, or more
            than `MAX_SCANS` scans.
    """
    format_ = _sniff(data)
    if format_ == "JPEG":
        _check_scans(data)
    try:
        with Image.open(BytesIO(data), formats=(format_,)) as image:
            stored = _checked_size(image)
            orientation = _orientation(image)
            # Let libjpeg downscale while it decodes, which is much faster for a large photo. At
            # least twice the final size remains for the better filter below.
            image.draft(None, (2 * size[1], 2 * size[0]))
            image.load()
            upright = _flatten(image)
    except PictureError:
        raise
    except Exception as error:  # Pillow's parsers raise many types for damaged files
        raise UndecodablePicture(f"The {format_} picture is damaged or incomplete.") from error
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    width, height = stored[::-1] if orientation >= 5 else stored
    scaled = upright.resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Picture(np.asarray(scaled), format_, width, height)


def _sniff(data: bytes) -> Format:
    if not data:
        raise NoPicture("The picture is empty (0 bytes).")
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
            f"The picture has {width}x{height} pixels, over the limit of "
            f"{MAX_PIXELS / 1e6:.0f} megapixels."
        )
    if min(width, height) < MIN_SIDE:
        raise UndecodablePicture(
            f"The picture is too small: {width}x{height} pixels. "
            f"Each side needs at least {MIN_SIDE} pixels."
        )
    return width, height


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8. Returns 1 (upright) if it is missing or unreadable."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a broken EXIF block does not make the picture unreadable
        return 1
    return value if value in _UPRIGHT else 1


def _flatten(image: Image.Image) -> Image.Image:
    """The picture as 8-bit RGB without transparency."""
    if image.mode.startswith("I"):  # 16-bit grayscale; Pillow's own conversion clips it to white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba)
        return flat
    return image.convert("RGB")
