"""PNG: chunks (https://www.w3.org/TR/png-3/)."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from lambda_api.images.stripped import Stripped

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 1 << 20  # bytes of a decompressed text, as in Pillow

_NAME = re.compile(rb"[A-Za-z]{4}")
_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT"})
_USED = frozenset({b"tRNS", b"eXIf", b"tEXt", b"zTXt", b"iTXt"})
_ORIENTATION_TEXTS = frozenset({b"Raw profile type exif", b"XML:com.adobe.xmp"})
# Least length of tRNS by color type; libpng ignores a shorter chunk.
_TRANSPARENCY_BYTES = {0: 2, 2: 6, 3: 1}
_PALETTE = 3  # color type


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    raw: bytes  # length, kind, body and checksum; may be truncated
    whole: bool

    @property
    def body(self) -> bytes:
        return self.raw[8:-4]

    @property
    def checked(self) -> bool:
        return self.whole and zlib.crc32(self.raw[4:-4]).to_bytes(4) == self.raw[-4:]


@dataclass(frozen=True, slots=True)
class _Frame:
    """First frame of an animation whose default image is not a frame."""

    size: tuple[int, int]
    offset: tuple[int, int]
    data: list[_Chunk]


def strip(data: bytes) -> Stripped:
    """Remove the chunks that do not decide about the pixels.

    Ancillary chunks with a wrong checksum are removed too. Of an animation, only the first frame is
    kept, as a picture without animation.
    """
    chunks = list(_chunks(data))
    color = data[25] if len(data) > 25 else 0
    colors = 0  # in the palette
    frame = _first_frame(chunks)
    parts = [SIGNATURE]
    result = Stripped(b"")
    for chunk in chunks:
        if chunk.kind == b"IDAT" and frame:
            continue
        if chunk.kind in _KEPT:
            parts.append(chunk.raw)
            colors = len(chunk.body) // 3 if chunk.kind == b"PLTE" else colors
        elif chunk.kind not in _USED or not chunk.checked:
            continue
        elif chunk.kind == b"tRNS":
            # As libpng, ignore a chunk that does not fit.
            fits = color != _PALETTE or len(chunk.body) <= colors
            if fits and len(chunk.body) >= _TRANSPARENCY_BYTES.get(color, 1):
                parts.append(chunk.raw)
        elif chunk.kind == b"eXIf":
            result.metadata["exif"] = b"Exif\0\0" + chunk.body
        else:
            result.metadata |= _text(chunk)
    if frame:
        header = chunks[0].body
        result.canvas, result.offset = struct.unpack_from(">II", header), frame.offset
        parts[1] = _chunk(b"IHDR", struct.pack(">II", *frame.size) + header[8:])
        parts += [_chunk(b"IDAT", chunk.body[4:]) for chunk in frame.data]
    if all(chunk.whole for chunk in chunks if chunk.kind in _KEPT) and (
        not frame or all(chunk.whole for chunk in frame.data)
    ):
        parts.append(_chunk(b"IEND", b""))
    result.data = b"".join(parts)
    return result


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND" or not _NAME.fullmatch(kind):
            return
        end = position + length + 12
        yield _Chunk(kind, data[position:end], end <= len(data))
        position = end


def _first_frame(chunks: list[_Chunk]) -> _Frame | None:
    kinds = [chunk.kind for chunk in chunks]
    if b"IDAT" not in kinds or b"fcTL" not in kinds or kinds[0] != b"IHDR":
        return None
    image, first = kinds.index(b"IDAT"), kinds.index(b"fcTL")
    if first < image or b"acTL" not in kinds[:image] or len(chunks[first].body) != 26:
        return None
    canvas = struct.unpack_from(">II", chunks[0].body)
    width, height, left, top = struct.unpack_from(">4I", chunks[first].body, 4)
    if left + width > canvas[0] or top + height > canvas[1]:
        return None
    following = takewhile(lambda chunk: chunk.kind != b"fcTL", chunks[first + 1 :])
    data = [chunk for chunk in following if chunk.kind == b"fdAT"]
    return _Frame((width, height), (left, top), data)


def _text(chunk: _Chunk) -> dict[str, bytes | str]:
    """Text that can hold the orientation, by its keyword. Empty if it is another or broken."""
    keyword, _, text = chunk.body.partition(b"\0")
    if keyword not in _ORIENTATION_TEXTS:
        return {}
    packed = chunk.kind == b"zTXt"
    if packed:
        text = text[1:]  # compression method
    if chunk.kind == b"iTXt":
        packed = text[:1] != b"\0"
        text = text[2:].split(b"\0", 2)[-1]  # behind the language and the translated keyword
    if packed:
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(text, MAX_TEXT)
        except zlib.error:
            return {}
        if unpacker.unconsumed_tail:
            return {}
    return {keyword.decode(): text.decode("latin-1")}
