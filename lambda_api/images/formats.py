"""Picture formats: names, suffixes, media types, and detection from the content."""

from typing import Literal, get_args

Format = Literal["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP"]
FORMATS: tuple[Format, ...] = get_args(Format)
NAMES = "JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP"  # for messages

# Lower-case file suffixes and media types of all formats. The page has the same list.
SUFFIXES = frozenset(
    {
        *{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".hif"},
        *{".avif", ".tif", ".tiff", ".gif", ".bmp", ".dib"},
    }
)
PictureMediaType = Literal[
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
    "image/avif",
    "image/tiff",
    "image/gif",
    "image/bmp",
]
MEDIA_TYPES: dict[PictureMediaType, str] = {  # with the suffix of an upload
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/avif": "avif",
    "image/tiff": "tiff",
    "image/gif": "gif",
    "image/bmp": "bmp",
}

HEAD_BYTES = 512  # `sniff` needs at most this many bytes from the start of a file

_MAGIC: dict[bytes, Format] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
}

# Brands of ISO/IEC 23008-12 (HEIF) and of AVIF (https://aomediacodec.github.io/av1-avif/).
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)

# Sizes of the BMP headers (BITMAPCOREHEADER to BITMAPV5HEADER). Two bytes of magic are too few:
# text can start with "BM" too.
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(head: bytes) -> Format | None:
    """Format of a picture, from its content.

    Args:
        head: the first `HEAD_BYTES` bytes of the file, or more. A shorter file in full.

    Returns:
        The format, or None if this is not a picture of a supported format.
    """
    for magic, format_ in _MAGIC.items():
        if head.startswith(magic):
            return format_
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[4:8] == b"ftyp":
        return _brand(head[: min(int.from_bytes(head[:4]), HEAD_BYTES)])
    return None


def _brand(box: bytes) -> Format | None:
    """Format that a file type box declares: major brand, minor version, compatible brands."""
    brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None
