"""Base64 as clients write it."""

import base64
import re

_BLANKS = re.compile(rb"\s+")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def decode_base64(text: bytes) -> bytes:
    """Decode base64 in any common form.

    Padding is optional. Both alphabets of RFC 4648 are accepted, and blanks and line breaks are
    ignored.

    Raises:
        ValueError: other characters, or a length that base64 cannot have.
    """
    compact = _BLANKS.sub(b"", text).rstrip(b"=").translate(_URL_SAFE)
    return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
