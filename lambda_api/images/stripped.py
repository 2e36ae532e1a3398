"""Pictures reduced to what decides about their pixels.

Metadata, color profiles, comments and trailing bytes are removed before a picture is decoded.
Errors in them therefore never make a picture unreadable.
"""

from dataclasses import dataclass, field

from PIL import ExifTags, Image


@dataclass(slots=True)
class Stripped:
    """A picture without metadata.

    Attributes:
        data: the file with the parts that decide about the pixels.
        metadata: metadata that can hold the orientation, by Pillow's names in `Image.info`.
        canvas: width and height of the picture if `data` is only a part of it, else None.
        offset: left and top of `data` on the canvas.
    """

    data: bytes
    metadata: dict[str, bytes | str] = field(default_factory=dict)
    canvas: tuple[int, int] | None = None
    offset: tuple[int, int] = (0, 0)


def orientation(metadata: dict[str, bytes | str]) -> int:
    """EXIF orientation in Pillow's `Image.info`, 1 to 8. 1 if it is missing or unreadable.

    XMP counts if EXIF has no orientation, as in Pillow.
    """
    carrier = Image.Image()
    carrier.info.update(metadata)
    try:
        value = carrier.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a broken EXIF block does not make the picture unreadable
        return 1
    return value if value in range(1, 9) else 1
