"""Errors of pictures."""


class PictureError(ValueError):
    """A picture that cannot be classified. The message is for the sender of the picture."""


class NoPicture(PictureError):
    """The picture is empty (0 bytes) or missing."""


class UnsupportedFormat(PictureError):
    """The bytes are not a picture of a format in `formats.FORMATS`."""


class TooManyPixels(PictureError):
    """The picture has too many pixels, or needs too much memory to decode."""


class UndecodablePicture(PictureError):
    """The picture is damaged, incomplete, too small, or of a kind that cannot be decoded."""
