"""Say what was received in place of a picture, and what helps."""

import re

from lambda_api.images import PictureError, UndecodablePicture, UnsupportedFormat

_REPLACEMENT = b"\xef\xbf\xbd"  # U+FFFD in UTF-8, for a byte that is not valid UTF-8
_MIN_REPLACEMENTS = 8
_SAMPLE = 4096  # bytes

_TEXT_GATEWAY = (
    "The bytes of the picture were decoded as text on the way, which cannot be undone. Send binary "
    "data: on a REST API, set the binary media types of the gateway to */*. Or send the picture in "
    'base64 as JSON: {"image": "..."}.'
)
_JSON = "Content-Type: application/json"
_KINDS = (
    (rb"\xc3\xbf\xc3\x98\xc3\xbf|\xc2\x89PNG", _TEXT_GATEWAY),  # Latin-1 encoded as UTF-8
    (rb"\x89PNG\n\x1a\n|\?\?\?\?.{2}(?:JFIF|Exif)", _TEXT_GATEWAY),
    (rb"\s*(?:/9j/|iVBORw0KGgo|UklGR)", f'Received base64. Send {{"image": "..."}} with {_JSON}.'),
    (rb"\s*data:image/", f'Received a data URL. Send {{"image": "data:..."}} with {_JSON}.'),
    (rb"\s*\{", f"Received JSON. Send it with {_JSON}."),
    (
        rb"\s*--[^\r\n]{1,256}\r?\nContent-Disposition:",
        "Received a form. Send it with its Content-Type, multipart/form-data with the boundary.",
    ),
    (rb"\s*<(?:!doctype html|html)", "Received an HTML page. Send the picture itself."),
    (rb"\s*<(?:\?xml|svg)", "Received XML or SVG. Convert the picture to JPEG or PNG."),
    (rb"%PDF-", "Received a PDF. Convert the page to JPEG or PNG."),
    (rb"\x1f\x8b", "Received gzip. Send the picture without compression."),
    (rb"PK\x03\x04", "Received a ZIP archive. Send the picture itself."),
    (rb"@?[\w ./\\:~-]{1,200}\.\w{3,4}\s*$", "Received a file name. Send the content of the file."),
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE | re.DOTALL), text) for pattern, text in _KINDS]


def explained(error: PictureError, data: bytes) -> PictureError:
    """Return the error with what was received and what helps, if `data` is recognized.

    Args:
        error: error of the decoder for `data`.
        data: bytes received as a picture.
    """
    if not isinstance(error, (UnsupportedFormat, UndecodablePicture)):
        return error
    if data[:_SAMPLE].count(_REPLACEMENT) >= _MIN_REPLACEMENTS:
        return type(error)(f"{error} {_TEXT_GATEWAY}")
    if isinstance(error, UnsupportedFormat):
        for pattern, text in _PATTERNS:
            if pattern.match(data[:_SAMPLE]):
                return type(error)(f"{error} {text}")
    return error
