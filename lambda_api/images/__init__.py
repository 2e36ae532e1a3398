"""Pictures: from bytes to pixels. Training, conversion and the service all decode with this."""

from lambda_api.images.decoder import (
    MAX_DECODED_BYTES,
    MAX_PIXELS,
    MAX_SCANS,
    MIN_SIDE,
    Picture,
    decode,
)
from lambda_api.images.errors import (
    NoPicture,
    PictureError,
    TooManyPixels,
    UndecodablePicture,
    UnsupportedFormat,
)
from lambda_api.images.formats import (
    FORMATS,
    HEAD_BYTES,
    MEDIA_TYPES,
    NAMES,
    SUFFIXES,
    Format,
    PictureMediaType,
    sniff,
)

__all__ = [
    "FORMATS",
    "HEAD_BYTES",
    "MAX_DECODED_BYTES",
    "MAX_PIXELS",
    "MAX_SCANS",
    "MEDIA_TYPES",
    "MIN_SIDE",
    "NAMES",
    "SUFFIXES",
    "Format",
    "NoPicture",
    "Picture",
    "PictureError",
    "PictureMediaType",
    "TooManyPixels",
    "UndecodablePicture",
    "UnsupportedFormat",
    "decode",
    "sniff",
]
