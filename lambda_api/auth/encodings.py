"""Character encodings and Unicode forms of credentials.

Clients encode user names and passwords outside ASCII in UTF-8 (curl, browsers), in Latin-1
(requests, aiohttp, JavaScript's `btoa`) or in Windows-1252, and type letters such as "ü" composed
or decomposed.
"""

from unicodedata import normalize

_SINGLE_BYTE = ("cp1252", "latin-1")


def unicode_forms(text: str) -> list[str]:
    """Return the text as written, composed (NFC) and decomposed (NFD), without duplicates."""
    return list(dict.fromkeys([text, normalize("NFC", text), normalize("NFD", text)]))


def encodings(text: str) -> list[bytes]:
    """Return the bytes that clients may send for a text, without duplicates, UTF-8 first."""
    encoded = [text.encode()]
    for encoding in _SINGLE_BYTE:
        try:
            encoded.append(text.encode(encoding))
        except UnicodeEncodeError:
            continue
    return list(dict.fromkeys(encoded))


def utf8_forms(data: bytes) -> list[bytes]:
    """Return the UTF-8 of all Unicode forms of a text that a client sent, as sent first.

    Bytes that are not valid UTF-8 are read as Windows-1252, or as Latin-1 if they are not valid
    there either.
    """
    if data.isascii():
        return [data]
    for encoding in ("utf-8", *_SINGLE_BYTE):
        try:
            return [form.encode() for form in unicode_forms(data.decode(encoding))]
        except UnicodeDecodeError:
            continue
    raise AssertionError("Latin-1 decodes all bytes")
