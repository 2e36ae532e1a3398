"""Say what was received in place of a picture, and what helps."""

import re

from lambda_api.images import PictureError, UndecodablePicture, UnsupportedFormat

_REPLACEMENT = b"\xef\xbf\xbd"  # U+FFFD in UTF-8, for a byte that is not valid UTF-8
_MIN_REPLACEMENTS = 8
_SAMPLE = 4096  # bytes
_REMOVED = re.compile(rb"[\x00\r\n]")  # by curl -d

_TEXT_GATEWAY = (
    "The bytes of the picture were decoded as text on the way, which cannot be undone. Send binary "
    "data: on a REST API, set the binary media types of the gateway to */*. Or send the picture in "
    'base64 as JSON: {"image": "..."}.'
)
_JSON = "Content-Type: application/json"
_CURL = (
    "The line breaks and zero bytes of the picture were removed on the way, as curl -d does. With "
    "curl, write --data-binary @photo.jpg or -F file=@photo.jpg."
)
_VIDEO = "Received a video. Send a picture, such as a single frame in JPEG."
_KINDS = (
    (rb"\xc3\xbf\xc3\x98\xc3\xbf|\xc2\x89PNG", _TEXT_GATEWAY),  # Latin-1 encoded as UTF-8
    (rb"\x89PNG\n\x1a\n|\?\?\?\?.{2}(?:JFIF|Exif)", _TEXT_GATEWAY),
    (rb"\x89PNG\x1a", _CURL),
    (rb"\s*(?:/9j/|iVBORw0KGgo|UklGR)", f'Received base64. Send {{"image": "..."}} with {_JSON}.'),
    (rb"\s*data:image/", f'Received a data URL. Send {{"image": "data:..."}} with {_JSON}.'),
    (rb"\s*\{", f"Received JSON. Send it with {_JSON}."),
    (
        rb"\s*--[^\r\n]{1,256}\r?\nContent-",
        "Received a form. Send it with its Content-Type, multipart/form-data with the boundary.",
    ),
    (rb"\s*<(?:!doctype html|html)", "Received an HTML page. Send the picture itself."),
    (rb"\s*<(?:\?xml|svg)", "Received XML or SVG. Convert the picture to JPEG or PNG."),
    (rb"%PDF-", "Received a PDF. Convert the page to JPEG or PNG."),
    (rb"\x1f\x8b", "Received gzip. Send the picture without compression."),
    (rb"PK\x03\x04", "Received a ZIP archive. Send the picture itself."),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "Received JPEG XL. Convert it to JPEG or PNG."),
    (rb"\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  ", "Received JPEG 2000. Convert it to JPEG or PNG."),
    (rb"8BPS", "Received a Photoshop file. Export it as JPEG or PNG."),
    (rb"\x00\x00\x01\x00", "Received an icon. Convert it to JPEG or PNG."),
    (rb".{4}ftypcrx|FUJIFILMCCD-RAW|IIU\x00", "Received a raw photo. Convert it to JPEG or PNG."),
    (rb".{4}ftyp(?:isom|iso[2-9]|mp4|avc1|qt  |M4V|3g)|\x1aE\xdf\xa3|RIFF.{4}AVI ", _VIDEO),
    (
        rb"(?:\s+|\xef\xbb\xbf)(?:\xff\xd8\xff|\x89PNG|GIF8|RIFF)",
        "Blanks or a byte order mark precede the picture. Send its bytes only.",
    ),
    (rb"version https://git-lfs", "Received a pointer of Git LFS. Fetch the file: git lfs pull."),
    (
        rb"[\w.\[\]-]{1,50}=",
        "Received a URL-encoded form. Send multipart/form-data, with curl -F file=@photo.jpg.",
    ),
    (
        rb"@?[\w ./\\:~-]{1,200}\.\w{3,4}\s*$",
        "Received a file name. Send the content of the file, with curl -F file=@photo.jpg.",
    ),
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE | re.DOTALL), text) for pattern, text in _KINDS]


def explained(error: PictureError, data: bytes) -> PictureError:
    """Return the error with what was received and what helps, if `data` is recognized.

    Args:
        error: error of the decoder for `data`.
        data: bytes received as a picture.
    """
    hint = ""
    if isinstance(error, UnsupportedFormat):
        hint = recognized(data)
    elif isinstance(error, UndecodablePicture):
        hint = _mangled(data)
    return type(error)(f"{error} {hint}") if hint else error


def recognized(data: bytes) -> str:
    """Return what `data` is in place of a picture and what helps, "" if it is not known."""
    if hint := _mangled(data):
        return hint
    return next((text for pattern, text in _PATTERNS if pattern.match(data[:_SAMPLE])), "")


def _mangled(data: bytes) -> str:
    """Return how the bytes of a picture were changed on the way, "" if they were not."""
    if data[:_SAMPLE].count(_REPLACEMENT) >= _MIN_REPLACEMENTS:
        return _TEXT_GATEWAY
    # Every real picture of this length has zero bytes.
    if len(data) >= _SAMPLE and data.startswith(b"\xff\xd8") and not _REMOVED.search(data):
        return _CURL
    return ""
