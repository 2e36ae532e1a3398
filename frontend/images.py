"""Picture files: decode an uploaded file, make its preview, and reduce it for the API."""

import base64
import hashlib
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image

MAX_UPLOAD_BYTES = 3_990_000  # the API's limit is 4,000,000; the rest is for the multipart envelope
MAX_UPLOAD_PIXELS = 40_000_000  # any API accepts this many in these formats:
SENT_AS_THEY_ARE = frozenset({"JPEG", "PNG", "WEBP"})  # the rest is converted to JPEG
# At its limit, no format needs much more than 400 MB of memory. Measured growth of the process per
# megapixel: 0.7 MB for a JPEG (libjpeg scales while it decodes), up to 7 MB for a progressive JPEG
# (libjpeg holds the whole picture), 5 MB for a PNG, 15 MB for a WebP (its decoder makes 3 copies).
# The others as for the API: see `python -m benchmarks.decoding`.
MAX_READABLE_PIXELS = {
    "JPEG": 110_000_000,  # a 108-megapixel phone
    "progressive JPEG": 60_000_000,
    "PNG": 60_000_000,
    "WEBP": 25_000_000,
    "HEIF": 50_000_000,
    "AVIF": 40_000_000,
    "TIFF": 40_000_000,
    "GIF": 60_000_000,
    "BMP": 60_000_000,
}
REDUCED_SIDE = 1600  # pixels: well within both limits, well above the input size of a network
PREVIEW_SIDE = 900  # pixels
THUMBNAIL_SIDE = 240  # pixels
ICON_SIDE = 72  # pixels
JPEG_QUALITY = 90
MIN_SIDE = 8  # pixels: the API's limit
_BAND_ROWS = 16
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"})

# As in `lambda_api.images`.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP")
FORMAT_NAMES = "JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP"
SUFFIXES = frozenset(
    {
        *{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".hif"},
        *{".avif", ".tif", ".tiff", ".gif", ".bmp", ".dib"},
    }
)

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"})

# EXIF 2.32, tag 0x0112: the operation that turns the stored picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own check only warns in part of its range; `prepare` checks the size instead.
Image.MAX_IMAGE_PIXELS = None


class UnusablePicture(Exception):
    """The page cannot read the picture; the text gives the reason for the visitor."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A decoded picture, ready to display and to send.

    Attributes:
        content: the bytes to send, within the API's limits.
        filename: the file name to send.
        digest: SHA-256 of the original file; identifies the picture.
        preview: a JPEG of at most `PREVIEW_SIDE` pixels, upright, without transparency.
        thumbnail: a JPEG of at most `THUMBNAIL_SIDE` pixels, as `preview`.
        icon: a JPEG of at most `ICON_SIDE` pixels, as `preview`.
        format: one of `FORMATS`, of the original file.
        width: pixels of the original, upright.
        height: pixels of the original, upright.
        original_bytes: size of the original file.
        note: how the picture was changed for sending, or "".
    """

    content: bytes
    filename: str
    digest: str
    preview: bytes
    thumbnail: bytes
    icon: bytes
    format: str
    width: int
    height: int
    original_bytes: int
    note: str


def prepare(data: bytes, filename: str) -> Upload:
    """Decode a picture, make its preview, and reduce it if it exceeds the API's limits.

    Args:
        data: a file in one of `FORMATS`.
        filename: its name, with any extension.

    Raises:
        UnusablePicture: the file has another format, is damaged or exceeds `MAX_READABLE_PIXELS`.
    """
    try:
        _load_plugin(data)
        with Image.open(BytesIO(_repaired(data)), formats=FORMATS) as image:
            # Pillow reports MPO for a JPEG that contains more pictures (a phone's depth map).
            format_ = "JPEG" if image.format == "MPO" else str(image.format)
            stored = _checked_size(image, format_)
            orientation = _orientation(image)
            # libjpeg scales while it decodes: ten times faster for a large photo.
            image.draft(None, (REDUCED_SIDE, REDUCED_SIDE))
            image.load()
            if image.format in ("HEIF", "TIFF"):  # already turned by the decoder
                orientation = 1
            rgb = _reduced(image)
    except UnusablePicture:
        raise
    except Exception as error:  # Pillow's parsers raise many types for a damaged file
        raise UnusablePicture(f"This file is damaged, or not in {FORMAT_NAMES} format.") from error
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    width, height = stored[::-1] if orientation >= 5 else stored
    content, note = data, ""
    if format_ not in SENT_AS_THEY_ARE:
        content, filename = _jpeg(rgb), _as_jpg(filename)
        note = f"Converted to JPEG ({rgb.width} × {rgb.height}) before upload."
    elif len(data) > MAX_UPLOAD_BYTES or width * height > MAX_UPLOAD_PIXELS:
        content, filename = _jpeg(rgb), _as_jpg(filename)
        note = (
            f"Resized from {width} × {height} ({format_bytes(len(data))}) to {rgb.width} × "
            f"{rgb.height} ({format_bytes(len(content))}) before upload."
        )
    digest = hashlib.sha256(data).hexdigest()
    rgb.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    preview = _jpeg(rgb)
    rgb.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    thumbnail = _jpeg(rgb)
    rgb.thumbnail((ICON_SIDE, ICON_SIDE))
    return Upload(
        content=content,
        filename=filename,
        digest=digest,
        preview=preview,
        thumbnail=thumbnail,
        icon=_jpeg(rgb),
        format=format_,
        width=width,
        height=height,
        original_bytes=len(data),
        note=note,
    )


def smaller(upload: Upload) -> Upload:
    """Return the picture with its preview as content, for an API with a lower size limit."""
    return replace(
        upload,
        content=upload.preview,
        filename=_as_jpg(upload.filename),
        note=f"Resized to {format_bytes(len(upload.preview))}, because of a limit of the service.",
    )


def is_picture(data: bytes) -> bool:
    """Return True if a file starts as one in a format with a signature does (all but BMP)."""
    signatures = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")
    return (
        data.startswith(signatures)
        or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
        or (data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS)
    )


def data_uri(jpeg: bytes) -> str:
    """Encode a JPEG as a data URI."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def format_bytes(size: int) -> str:
    """Format a number of bytes for display: "350 kB", "4.2 MB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(size / 1e3, 1):.0f} kB"


def _repaired(data: bytes) -> bytes:
    """Remove what makes Pillow refuse good pictures; the API decides about the original.

    For a PNG, all chunks but those of pixels and orientation: large texts and profiles. A JPEG
    without an end marker gets one.
    """
    if data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data[-65536:]:
        return _ended(data)
    if not data.startswith(b"\x89PNG"):
        return data
    parts, position = [data[:8]], 8
    while position + 8 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] in _PNG_CHUNKS:
            parts.append(data[position:end])
        position = end
    return b"".join(parts)


def _ended(jpeg: bytes) -> bytes:
    """Add an end marker to a complete JPEG. A truncated one is returned as it is.

    libjpeg fills what is missing with gray, or decodes arbitrary data in its place.
    """
    scans = jpeg.rstrip(b"\xff")
    ended, filled = scans + b"\xff\xd9", scans + b"\x55\xaa\x33\xcc" * 64 + b"\xff\xd9"
    with Image.open(BytesIO(ended)) as one, Image.open(BytesIO(filled)) as other:
        for image in (one, other):
            image.draft(None, (REDUCED_SIDE, REDUCED_SIDE))
        return ended if one.tobytes() == other.tobytes() else jpeg


def _load_plugin(data: bytes) -> None:
    """Import what reads HEIC, which takes time and memory, only for files that may be HEIC."""
    if data[4:8] == b"ftyp":
        from pillow_heif import register_heif_opener

        register_heif_opener(thumbnails=False)


def _checked_size(image: Image.Image, format_: str) -> tuple[int, int]:
    width, height = image.size
    kind = "progressive JPEG" if image.info.get("progressive") else format_
    if width * height > MAX_READABLE_PIXELS[kind]:
        raise UnusablePicture(
            f"{width} × {height} is {width * height / 1e6:.0f} megapixels; the limit for a {kind} "
            f"is {MAX_READABLE_PIXELS[kind] / 1e6:.0f}. Make the photo smaller."
        )
    return width, height


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a picture with a broken EXIF block is readable
        return 1
    return value if value in _UPRIGHT else 1


def _reduced(image: Image.Image) -> Image.Image:
    """Convert to RGB, with a long side of at most `REDUCED_SIDE` and a short one of `MIN_SIDE`.

    A large picture is first reduced in bands, which avoids a second copy of all its pixels.
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
    """Convert to 8-bit RGB on a white background, as the API does."""
    if image.mode.startswith("I"):  # 16-bit gray; Pillow's own conversion clips it to white
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
