"""From what a person drops on the page to what is shown and what is sent."""

import hashlib
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image

MAX_UPLOAD_BYTES = 3_990_000  # the API takes 4,000,000; the rest is for the multipart envelope
MAX_UPLOAD_PIXELS = 40_000_000  # the API's limit
# None takes much above 400 MB at its limit. Measured, a megapixel makes the process grow by 0.7 MB
# for a JPEG (libjpeg scales while it decodes), by up to 7 for a progressive one (libjpeg holds all
# of it), by 5 for a PNG and by 15 for a WebP (three copies are its decoder's own).
MAX_READABLE_PIXELS = {
    "JPEG": 110_000_000,  # a 108-megapixel phone
    "progressive JPEG": 60_000_000,
    "PNG": 60_000_000,
    "WEBP": 25_000_000,
}
REDUCED_SIDE = 1600  # pixels: far within both limits, and far above what a network looks at
PREVIEW_SIDE = 900  # pixels
THUMBNAIL_SIDE = 240  # pixels
JPEG_QUALITY = 90
MIN_SIDE = 8  # pixels: the API's limit
_BAND_ROWS = 16

FORMATS = ("JPEG", "PNG", "WEBP")

# EXIF 2.32, tag 0x0112: how to turn the stored picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own guard only warns in part of its range; `prepare` checks the size instead.
Image.MAX_IMAGE_PIXELS = None


class UnusablePicture(Exception):
    """The page cannot read the picture; the text says why, in words for a person."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture, ready to be shown and sent.

    Attributes:
        content: the bytes to send, within the API's limits.
        filename: the name to send them under.
        digest: SHA-256 of the file as it was given: the same picture, the same digest.
        preview: a small upright JPEG without transparency.
        thumbnail: the same, smaller.
        format: "JPEG", "PNG" or "WEBP", as it was given.
        width: upright width in pixels, as it was given.
        height: upright height in pixels, as it was given.
        given_bytes: size of the file as it was given.
        note: what was done to the picture before sending it, or "".
    """

    content: bytes
    filename: str
    digest: str
    preview: bytes
    thumbnail: bytes
    format: str
    width: int
    height: int
    given_bytes: int
    note: str


def prepare(data: bytes, filename: str) -> Upload:
    """Read a picture; make its preview; reduce it where it is above the API's limits.

    Raises:
        UnusablePicture: not a JPEG, PNG or WebP, damaged, or above `MAX_READABLE_PIXELS`.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            # A JPEG with several pictures in it (a phone's depth map) calls itself MPO.
            format_ = "JPEG" if image.format == "MPO" else str(image.format)
            stored = _checked_size(image, format_)
            orientation = _orientation(image)
            # Lets libjpeg scale while it decodes: ten times faster on a large photo.
            image.draft(None, (REDUCED_SIDE, REDUCED_SIDE))
            image.load()
            rgb = _reduced(image)
    except UnusablePicture:
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged file provokes
        raise UnusablePicture(
            "This file is not a JPEG, PNG or WebP picture, or it is damaged."
        ) from error
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    width, height = stored[::-1] if orientation >= 5 else stored
    content, note = data, ""
    if len(data) > MAX_UPLOAD_BYTES or width * height > MAX_UPLOAD_PIXELS:
        content, filename = _jpeg(rgb), _as_jpg(filename)
        note = (
            f"Reduced from {width} × {height} ({megabytes(len(data))}) to {rgb.width} × "
            f"{rgb.height} ({megabytes(len(content))}) before sending."
        )
    digest = hashlib.sha256(data).hexdigest()
    rgb.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    preview = _jpeg(rgb)
    rgb.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return Upload(
        content=content,
        filename=filename,
        digest=digest,
        preview=preview,
        thumbnail=_jpeg(rgb),
        format=format_,
        width=width,
        height=height,
        given_bytes=len(data),
        note=note,
    )


def smaller(upload: Upload) -> Upload:
    """The same picture with its preview to send, for an API whose limit is below the usual one."""
    return replace(
        upload,
        content=upload.preview,
        filename=_as_jpg(upload.filename),
        note=f"Reduced to {megabytes(len(upload.preview))}: this API takes no more.",
    )


def megabytes(size: int) -> str:
    """Put a number of bytes into words: "350 kB", "4.2 MB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(size / 1e3, 1):.0f} kB"


def _checked_size(image: Image.Image, format_: str) -> tuple[int, int]:
    width, height = image.size
    kind = "progressive JPEG" if image.info.get("progressive") else format_
    if width * height > MAX_READABLE_PIXELS[kind]:
        raise UnusablePicture(
            f"{width} × {height} is {width * height / 1e6:.0f} megapixels; this page reads up to "
            f"{MAX_READABLE_PIXELS[kind] / 1e6:.0f} of a {kind}. Please make the picture smaller."
        )
    return width, height


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a camera's broken EXIF block makes no picture unreadable
        return 1
    return value if value in _UPRIGHT else 1


def _reduced(image: Image.Image) -> Image.Image:
    """The picture as RGB, its long side at most `REDUCED_SIDE` unless that made it too thin.

    A large one is brought near that size in bands, so that no copy of all its pixels is made.
    """
    long, short = max(image.size), min(image.size)
    factor = max(1, min(long // (2 * REDUCED_SIDE), short // (2 * MIN_SIDE)))
    rgb = _flatten(image) if factor == 1 else _in_bands(image, factor)
    scale = max(REDUCED_SIDE / long, MIN_SIDE / short)
    if scale < 1:
        rgb = rgb.resize((round(image.width * scale), round(image.height * scale)))
    return rgb


def _in_bands(image: Image.Image, factor: int) -> Image.Image:
    width, height = image.size
    rgb = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = factor * _BAND_ROWS
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        rgb.paste(_flatten(band).reduce(factor), (0, top // factor))
    return rgb


def _flatten(image: Image.Image) -> Image.Image:
    """The picture as 8-bit RGB, transparency on white: what the API makes of it too."""
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips it to white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba)
        return flat
    return image.convert("RGB")


def _as_jpg(filename: str) -> str:
    return f"{filename.rpartition('.')[0] or filename}.jpg"


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
