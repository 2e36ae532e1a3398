"""TIFF: the first directory (TIFF 6.0; BigTIFF), and samples that need care."""

import struct

from PIL import Image

from lambda_api.images.errors import UndecodablePicture
from lambda_api.images.stripped import Stripped

_BITS, _PHOTOMETRY, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339
_WHITE_IS_ZERO, _SEPARATE = 0, 2
_UNSIGNED = {1, 4}  # unsigned integers, undefined

_USED = frozenset(
    {
        *range(254, 260),  # subfile type, size, bits, compression
        *{262, 266, 273, 274, 277, 278, 279, 284},  # photometry, strips, orientation
        *{292, 293, 317, 320, *range(322, 326)},  # fax options, predictor, palette, tiles
        *{332, 338, 339, 347},  # inks, alpha, sample format, JPEG tables
        *range(512, 522),  # old JPEG
        *range(529, 533),  # YCbCr
    }
)


def strip(data: bytes) -> Stripped:
    """Remove the tags that do not decide about the pixels, and all pages but the first."""
    order = "<" if data.startswith(b"II") else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset_at, number, count_format, size = (8, "Q", "Q", 20) if big else (4, "I", "H", 12)
    try:
        (start,) = struct.unpack_from(order + number, data, offset_at)
        (count,) = struct.unpack_from(order + count_format, data, start)
    except struct.error:
        return Stripped(data)
    first = start + struct.calcsize(count_format)
    end = min(first + count * size, len(data))
    entries = [data[at : at + size] for at in range(first, end, size)]
    kept = [
        entry
        for entry in entries
        if len(entry) == size and struct.unpack_from(order + "H", entry)[0] in _USED
    ]
    directory = struct.pack(order + count_format, len(kept)) + b"".join(kept)
    directory += bytes(struct.calcsize(number))  # no further page
    return Stripped(data[:start] + directory + data[start + len(directory) :])


def check_samples(image: Image.Image) -> None:
    """Refuse samples that Pillow opens but misreads: signed ones, and 16 bits in separate planes.

    Raises:
        UndecodablePicture: the picture has such samples.
    """
    if not set(_values(image, _SAMPLE_FORMAT)) <= _UNSIGNED:
        raise UndecodablePicture(
            "The TIFF picture has signed or floating-point samples. Save it with unsigned samples "
            "of 8 or 16 bits."
        )
    bits = _values(image, _BITS)
    if _SEPARATE in _values(image, _PLANES) and len(bits) > 1 and max(bits) > 8:
        raise UndecodablePicture(
            "The TIFF picture has 16-bit channels in separate planes. Save it with interleaved "
            "channels, or with 8 bits per sample."
        )


def gray_levels(image: Image.Image) -> tuple[int, bool]:
    """Bits per sample of a gray picture, 9 to 16, and whether 0 is white.

    Pillow scales and inverts only up to 8 bits.
    """
    (bits, *_) = _values(image, _BITS) or (16,)
    return bits, _WHITE_IS_ZERO in _values(image, _PHOTOMETRY)


def _values(image: Image.Image, number: int) -> tuple[int, ...]:
    """Values of a tag, none if it is missing."""
    tags: dict[int, int | tuple[int, ...]] = getattr(image, "tag_v2", {})
    value = tags.get(number, ())
    return value if isinstance(value, tuple) else (value,)
