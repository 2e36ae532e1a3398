"""WebP: chunks (RFC 9649)."""

import struct
from collections.abc import Iterator

from lambda_api.images.stripped import Stripped

# Flags of the chunk VP8X.
_ANIMATION_FLAG, _XMP_FLAG, _EXIF_FLAG, _ALPHA_FLAG, _PROFILE_FLAG = 0x02, 0x04, 0x08, 0x10, 0x20
_IMAGE = frozenset({b"VP8 ", b"VP8L"})


def strip(data: bytes) -> Stripped:
    """Remove the chunks that do not decide about the pixels, and all frames but the first."""
    parts: list[bytes] = []
    found: dict[bytes, bytes] = {}
    flags = 0
    for kind, raw in _chunks(data):
        if kind == b"VP8X" and not parts and len(raw) >= 18:
            flags = raw[8]
            kept = flags & ~(_EXIF_FLAG | _XMP_FLAG | _PROFILE_FLAG)
            if flags & _ANIMATION_FLAG:  # what the first frame leaves uncovered is transparent
                kept |= _ALPHA_FLAG
            parts.append(raw[:8] + bytes([kept]) + raw[9:])
        elif kind in (b"EXIF", b"XMP "):
            found.setdefault(kind, raw[8 : 8 + int.from_bytes(raw[4:8], "little")])
        elif kind in (b"ANIM", b"ALPH") or kind in _IMAGE or kind == b"ANMF":
            if kind not in found:
                parts.append(raw)
            if kind in _IMAGE or kind == b"ANMF":
                found[kind] = b""
    body = b"".join(parts)
    metadata: dict[str, bytes | str] = {}
    if flags & _EXIF_FLAG and b"EXIF" in found:
        metadata["exif"] = found[b"EXIF"]
    if flags & _XMP_FLAG and b"XMP " in found:
        metadata["xmp"] = found[b"XMP "]
    return Stripped(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body, metadata)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the bytes of each chunk. The last one may be truncated."""
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length + length % 2
        yield kind, data[position:end]
        position = end
