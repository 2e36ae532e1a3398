"""Pictures: from bytes to pixels. Training, conversion and the service all decode with this."""

from lambda_api.images.decoder import (
    MAX_PIXELS,
    MAX_SCANS,
    MIN_SIDE,
    SUFFIXES,
    Format,
    NoPicture,
    Picture,
    PictureError,
    TooManyPixels,
    UndecodablePicture,
    UnsupportedFormat,
    decode,
)

__all__ = [
    "MAX_PIXELS",
    "MAX_SCANS",
    "MIN_SIDE",
    "SUFFIXES",
    "Format",
    "NoPicture",
    "Picture",
    "PictureError",
    "TooManyPixels",
    "UndecodablePicture",
    "UnsupportedFormat",
    "decode",
]
