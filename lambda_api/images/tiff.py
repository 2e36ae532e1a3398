"""TIFF: the first directory (TIFF 6.0; BigTIFF)."""

import struct

from lambda_api.images.stripped import Stripped

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
