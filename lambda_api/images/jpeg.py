"""JPEG: segments and scans (ITU T.81, annex B)."""

import re
from dataclasses import dataclass, field

from lambda_api.images.stripped import Stripped

# Markers, except those inside scan data: stuffed zeros and restarts.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF: size and sampling
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})  # DHT, DAC, DQT, DNL, DRI
_APP0, _APP1, _APP14 = 0xE0, 0xE1, 0xEE
_DECISIVE = _FRAMES | _TABLES | {_SCAN}
_FILLER = b"\x55\xaa\x33\xcc" * 64  # arbitrary scan data


@dataclass(slots=True)
class StrippedJpeg(Stripped):
    """A JPEG without metadata.

    Attributes:
        scans: number of scans.
        ended: whether the picture has an end marker.
        complete: whether the scans contain all coefficients of all components, if the last scan is
            not truncated.
    """

    scans: int = 0
    ended: bool = False
    complete: bool = False

    def endings(self) -> tuple[bytes, bytes]:
        """The picture without an end marker, ended in two ways.

        Both decode to the same pixels if the last scan is not truncated. If it is, the second
        ending fills the missing part with arbitrary data, and libjpeg fills it with gray for the
        first one.
        """
        data = self.data.rstrip(b"\xff")  # half a marker, or half a stuffed byte
        restarts = _RESTART.findall(data, data.rindex(b"\xff\xda"))
        following = restarts[-1][0] + 1 if restarts else 0
        filler = b"".join(_FILLER + b"\xff" + bytes([0xD0 + (following + i) % 8]) for i in range(8))
        return data + _END, data + filler + _END


@dataclass(slots=True)
class _Coverage:
    """Coefficients (0..63) that the scans have not completed yet, by component ID."""

    missing: dict[int, set[int]] = field(default_factory=dict)

    def frame(self, body: bytes) -> None:
        self.missing = {identifier: set(range(64)) for identifier in body[6::3]}

    def scan(self, header: bytes) -> None:
        count = header[0] if header else 0
        first, last, approximation = header[1 + 2 * count : 4 + 2 * count] or (0, 63, 0)
        if approximation & 15 == 0:
            for identifier in header[1 : 1 + 2 * count : 2]:
                self.missing.get(identifier, set()).difference_update(range(first, last + 1))

    @property
    def complete(self) -> bool:
        return bool(self.missing) and not any(self.missing.values())


def strip(data: bytes) -> StrippedJpeg:
    """Remove the segments that do not decide about the pixels, and what follows the picture."""
    parts = [_START]
    result = StrippedJpeg(b"")
    coverage = _Coverage()
    position = 2
    while marker := _MARKER.search(data, position):
        kind = marker[1][0]
        if kind == _END_OF_IMAGE:
            result.ended = True
            break
        position = marker.end()
        length = int.from_bytes(data[position : position + 2])
        if length < 2:
            continue
        body = data[position + 2 : position + length]
        end = position + length
        if kind == _SCAN:
            result.scans += 1
            coverage.scan(body)
            following = _MARKER.search(data, end)
            end = following.start() if following else len(data)
        if _decides(kind, body):
            parts.append(data[marker.start() : end])
        if kind in _FRAMES:
            coverage.frame(body)
        elif kind == _APP1 and not result.scans:
            _collect(body, result.metadata)
        position = end
    result.complete = coverage.complete
    if result.ended:
        parts.append(_END)
    result.data = b"".join(parts)
    return result


def _decides(kind: int, body: bytes) -> bool:
    # libjpeg derives the color space from APP0 and APP14.
    return (
        kind in _DECISIVE
        or (kind == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 14)
        or (kind == _APP14 and body.startswith(b"Adobe") and len(body) >= 12)
    )


def _collect(body: bytes, metadata: dict[str, bytes | str]) -> None:
    """Add the content of an APP1 segment to the metadata. Long EXIF has several segments."""
    if body.startswith(b"Exif\0\0"):
        before = metadata.get("exif")
        metadata["exif"] = before + body[6:] if isinstance(before, bytes) else body
    elif body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        metadata["xmp"] = body.split(b"\0", 1)[1]
