"""HEIF and AVIF: items of ISO/IEC 14496-12 files."""

import re

from lambda_api.images.stripped import Stripped

# The entry of an EXIF item in the box iinf, version 2 or 3, up to its item type.
_EXIF_ITEM = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)


def strip(data: bytes) -> Stripped:
    """Hide EXIF items from the decoders, which fail on malformed ones.

    EXIF does not rotate these pictures: the properties irot and imir do (ISO/IEC 23008-12, 6.5.10).
    """
    start = data.find(b"iinf")
    end = start + int.from_bytes(data[max(start - 4, 0) : max(start, 0)])
    items = _EXIF_ITEM.sub(rb"\1skip", data[start:end])
    return Stripped(data[:start] + items + data[end:] if start >= 0 else data)
