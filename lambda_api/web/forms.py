"""Multipart forms as clients write them, beyond what Starlette's parser accepts.

Starlette and python-multipart follow RFC 7578 to the letter. Real clients also send:

- the file name only as `filename*` (RFC 5987), or in pieces (RFC 2231)
- LF line ends, text before the first boundary, blanks behind a boundary
- a file without a file name
- a part in base64 (`Content-Transfer-Encoding`)
- a charset of the form, which applies to names and not to files
"""

import binascii
import quopri
import re
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from itertools import pairwise

from lambda_api.base64_text import decode_base64
from lambda_api.web.request_body import is_binary

_MAX_PART_HEADERS, _MAX_HEADER_BYTES = 32, 8192


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part of a form.

    Attributes:
        name: name of the field, "" without a name.
        filename: file name, None for a field without one.
        data: content, without its transfer encoding.
        is_file: True for a part with a file name, or with content that is not text.
    """

    name: str
    filename: str | None
    data: bytes
    is_file: bool


def read_form(body: bytes, boundary: bytes) -> list[FormPart]:
    """Split a form into its parts. A last part without a boundary behind it is left out."""
    line = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?=\r?\n|$)")
    starts = [(found.start(), found.end()) for found in line.finditer(body)]
    return [
        part
        for (_, start), (end, _) in pairwise(starts)
        if (part := _part(body[start:end])) is not None
    ]


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo the `Content-Transfer-Encoding` of a part. Data with another encoding is unchanged."""
    match encoding.strip().lower():
        case "base64":
            try:
                return decode_base64(data)
            except ValueError:
                return data
        case "quoted-printable":
            try:
                return quopri.decodestring(data)
            except binascii.Error:
                return data
    return data


def _part(content: bytes) -> FormPart | None:
    """Parse what is between two boundaries. None if its headers do not end, or are too many."""
    end = re.compile(rb"\r?\n\r?\n").search(content, 0, _MAX_HEADER_BYTES)
    if end is None:
        return None
    headers = HeaderParser().parsestr(_text(content[: end.start()].lstrip(b"\r\n")))
    if len(headers) > _MAX_PART_HEADERS:
        return None
    data = decode_transfer(content[end.end() :], headers.get("Content-Transfer-Encoding", ""))
    filename = _parameter(headers, "filename")
    is_file = filename is not None or is_binary(data)
    return FormPart(_parameter(headers, "name") or "", filename, data, is_file)


def _parameter(headers: Message, name: str) -> str | None:
    value = headers.get_param(name, header="Content-Disposition")
    return None if value is None else collapse_rfc2231_value(value)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
