"""Picture decoding: bytes to pixels.

Training, calibration, evaluation and serving all call `decode`, so a served network gets the same
pixels as in training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from lambda_api.images import jpeg, tiff
from lambda_api.images.errors import (
    NoPicture,
    PictureError,
    TooManyPixels,
    UndecodablePicture,
    UnsupportedFormat,
)
from lambda_api.images.flat import flatten
from lambda_api.images.formats import HEAD_BYTES, NAMES, Format, sniff
from lambda_api.images.stripped import Stripped, orientation

MAX_DECODED_BYTES = 900_000_000  # memory to decode one picture
MAX_PIXELS = 120_000_000  # limits the time that a picture takes
MIN_SIDE = 8  # pixels; a smaller picture shows no scene, only a color
# libjpeg processes the whole picture once per scan. Cameras write about ten.
MAX_SCANS = 100
_MAX_SCANNED_PIXELS = MAX_SCANS * 40_000_000

# Growth of the process while it decodes, in bytes per pixel: opaque, and with transparency.
# Measured with `python -m benchmarks.decoding`, rounded up.
_BYTES_PER_PIXEL: dict[Format, tuple[int, int]] = {
    "JPEG": (9, 9),  # of the scaled picture
    "PNG": (10, 13),
    "WEBP": (16, 22),
    "HEIF": (10, 13),
    "AVIF": (13, 16),
    "TIFF": (13, 16),
    "GIF": (9, 13),
    "BMP": (9, 9),
}
_BYTES_PER_CANVAS_PIXEL = 4
_COEFFICIENT_BYTES = 2  # per pixel and color channel, if a JPEG has several scans

# Pillow imports these when they are needed. Without this, it would import all its plugins.
_PLUGINS: dict[Format, str] = {
    "WEBP": "PIL.WebPImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
}
# Imported when the first picture of the format arrives, to shorten the cold start.
_STRIPPERS: dict[Format, str] = {
    "PNG": "lambda_api.images.png",
    "WEBP": "lambda_api.images.webp",
    "HEIF": "lambda_api.images.heif",
    "AVIF": "lambda_api.images.heif",
    "TIFF": "lambda_api.images.tiff",
}

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


def decode(
    data: bytes, size: tuple[int, int], max_decoded_bytes: int = MAX_DECODED_BYTES
) -> Picture:
    """Decode a picture and resize it to `size`.

    - The format is detected from the content, not from a file name.
    - Only the pixels count: errors in metadata, and missing end markers, are ignored.
    - The orientation is applied.
    - Transparent pixels become white.
    - Grayscale of 9 to 16 bits is scaled to 8 bits.
    - Of several pages or frames, the first is used. Of several pictures in a HEIF, the primary one.
    - The aspect ratio is not kept, and nothing is cropped.

    Args:
        data: the content of the file.
        size: (height, width) of the result in pixels.
        max_decoded_bytes: limit of the memory for decoding, in bytes.

    Raises:
        NoPicture: `data` is empty.
        UnsupportedFormat: not in a supported format.
        TooManyPixels: more than `MAX_PIXELS`, or too much memory. Checked before decoding.
        UndecodablePicture: damaged, truncated, a side shorter than `MIN_SIDE` pixels, or too many
            scans.
    """
    format_ = _format(data)
    try:
        if format_ == "JPEG":
            upright, stored, turn = _decode_jpeg(data, size, max_decoded_bytes)
        else:
            upright, stored, turn = _decode_other(data, format_, max_decoded_bytes)
    except PictureError:
        raise
    except Exception as error:  # Pillow's parsers raise many types for damaged files
        raise UndecodablePicture(_reason(format_, error)) from error
    if turn in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[turn])
    width, height = stored[::-1] if turn >= 5 else stored
    scaled = upright.resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Picture(np.asarray(scaled), format_, width, height)


def _format(data: bytes) -> Format:
    if not data:
        raise NoPicture("The picture is empty (0 bytes).")
    format_ = sniff(data[:HEAD_BYTES])
    if format_ is None:
        raise UnsupportedFormat(f"This is not a {NAMES} picture.")
    return format_


_Decoded = tuple[Image.Image, tuple[int, int], int]


def _decode_jpeg(data: bytes, size: tuple[int, int], max_decoded_bytes: int) -> _Decoded:
    stripped = jpeg.strip(data)
    if stripped.ended:
        flat, stored = _read_jpeg(stripped.data, stripped.scans, size, max_decoded_bytes)
    elif stripped.complete:
        # Without an end marker, a truncated picture looks like a complete one to libjpeg.
        one, other = stripped.endings()
        flat, stored = _read_jpeg(one, stripped.scans, size, max_decoded_bytes)
        if flat != _read_jpeg(other, stripped.scans, size, max_decoded_bytes)[0]:
            raise UndecodablePicture("The JPEG picture is damaged or incomplete.")
    else:
        raise UndecodablePicture("The JPEG picture is damaged or incomplete.")
    return flat, stored, orientation(stripped.metadata)


def _open_jpeg(data: bytes) -> JpegImageFile:
    """Open a JPEG as `Image.open` does, without the import of four other plugins."""
    try:
        return JpegImageFile(BytesIO(data))
    except SyntaxError as error:
        raise UnidentifiedImageError(str(error)) from error


def _read_jpeg(
    data: bytes, scans: int, size: tuple[int, int], max_decoded_bytes: int
) -> tuple[Image.Image, tuple[int, int]]:
    with _open_jpeg(data) as image:
        stored = _checked_size(image.size)
        pixels = image.width * image.height
        if scans > MAX_SCANS or scans * pixels > _MAX_SCANNED_PIXELS:
            raise UndecodablePicture(
                f"The JPEG picture has {scans} scans, which is too many for its size."
            )
        # Let libjpeg downscale while it decodes, which is much faster for a large photo. At
        # least twice the final size remains for the better filter below.
        image.draft(None, (2 * size[1], 2 * size[0]))
        needed = image.width * image.height * _BYTES_PER_PIXEL["JPEG"][0]
        if scans > 1:  # libjpeg holds all coefficients at full size
            needed += pixels * _COEFFICIENT_BYTES * len(image.getbands())
        _check_memory(stored, needed, max_decoded_bytes)
        image.load()
        return flatten(image), stored


def _decode_other(data: bytes, format_: Format, max_decoded_bytes: int) -> _Decoded:
    _load_plugin(format_)
    stripped = _stripped(data, format_)
    with Image.open(BytesIO(stripped.data), formats=(format_,)) as image:
        stored = _checked_size(stripped.canvas or image.size)
        needed = image.width * image.height * _BYTES_PER_PIXEL[format_][image.has_transparency_data]
        if stripped.canvas:
            needed += stored[0] * stored[1] * _BYTES_PER_CANVAS_PIXEL
        _check_memory(stored, needed, max_decoded_bytes)
        if format_ == "TIFF":
            tiff.check_samples(image)
        covered = image.tile[0].extents if format_ == "GIF" and image.tile else None
        image.load()
        if image.mode == "F" or (image.mode == "I" and format_ != "PNG"):
            raise UndecodablePicture(
                "The picture has 32-bit samples. Save it with 8 or 16 bits per sample."
            )
        metadata = {"exif": image.info["exif"]} if "exif" in image.info else {}
        turn = orientation(metadata if format_ == "AVIF" else stripped.metadata)
        flat = flatten(image, covered)
    if stripped.canvas:
        canvas = Image.new("RGB", stored, "white")
        canvas.paste(flat, stripped.offset)
        flat = canvas
    return flat, stored, turn


def _reason(format_: Format, error: Exception) -> str:
    """Say why Pillow does not decode a picture."""
    damaged = f"The {format_} picture is damaged or incomplete"
    if isinstance(error, UnidentifiedImageError) or "nsupported" in str(error):
        return f"{damaged}, or of a kind that is not supported. Save it as JPEG or PNG."
    return f"{damaged}."


def _stripped(data: bytes, format_: Format) -> Stripped:
    if format_ not in _STRIPPERS:  # GIF and BMP
        return Stripped(data)
    strip: Callable[[bytes], Stripped] = import_module(_STRIPPERS[format_]).strip
    return strip(data)


def _load_plugin(format_: Format) -> None:
    if format_ in _PLUGINS:
        import_module(_PLUGINS[format_])
    elif format_ == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener(thumbnails=False, decode_threads=1)


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
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


def _check_memory(size: tuple[int, int], needed: int, max_decoded_bytes: int) -> None:
    if needed > max_decoded_bytes:
        raise TooManyPixels(
            f"The picture has {size[0]}x{size[1]} pixels. Decoding it takes {needed / 1e6:,.0f} MB "
            f"of memory, over the limit of {max_decoded_bytes / 1e6:,.0f} MB. Make it smaller, or "
            "send it as a JPEG that is not progressive."
        )
