"""Passwords: which ones are refused, and how one is kept as a hash alone."""

import hashlib
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hmac import compare_digest
from typing import Self

MIN_LENGTH = 12
_MIN_DIFFERENT = 4
_DEFAULTS = (
    "admin", "change-me", "change_me", "changeme", "default", "letmein", "password", "qwerty",
    "secret", "welcome", "123456", "abcdef",
)  # fmt: skip

# OWASP's second choice for scrypt (Password Storage Cheat Sheet): 16 MiB, so that a small Lambda
# can afford it; the first wants 128 MiB.
_N, _R, _P = 2**14, 8, 5
_SALT_BYTES, _HASH_BYTES = 16, 32
_HASH = re.compile(rf"scrypt\${_N}\${_R}\${_P}\$([A-Za-z0-9+/]{{22}}==)\$([A-Za-z0-9+/]{{43}}=)")


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A salted scrypt hash (RFC 7914), from which the password cannot be read."""

    salt: bytes
    digest: bytes

    @classmethod
    def of_nothing(cls) -> Self:
        """One that no password fits, and that takes as long to find out."""
        return cls(secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_HASH_BYTES))

    def __str__(self) -> str:
        salt, digest = b64encode(self.salt).decode(), b64encode(self.digest).decode()
        return f"scrypt${_N}${_R}${_P}${salt}${digest}"

    def fits(self, password: bytes) -> bool:
        """Whether it is the hash of `password`; takes tens of milliseconds and 16 MiB."""
        return compare_digest(_scrypt(password, self.salt), self.digest)


def hash_password(password: str) -> PasswordHash:
    """A new hash of a password. Raises `ValueError` as `check_password`."""
    check_password(password)
    salt = secrets.token_bytes(_SALT_BYTES)
    return PasswordHash(salt, _scrypt(password.encode(), salt))


def check_password(password: str) -> None:
    """Raises `ValueError` for a password that is short, a default or a pattern; never shows it."""
    if len(password) < MIN_LENGTH:
        raise ValueError(f"needs at least {MIN_LENGTH} characters")
    if len(set(password)) < _MIN_DIFFERENT or password.lower().startswith(_DEFAULTS):
        raise ValueError("is a default or a pattern; generate one")


def read_secret(text: str) -> str | PasswordHash:
    """What a setting holds: a password, or the hash of one.

    Raises:
        ValueError: as `check_password`, or a hash that `hash_password` did not make.
    """
    if not text.startswith("scrypt$"):
        check_password(text)
        return text
    parts = _HASH.fullmatch(text)
    if parts is None:
        raise ValueError("is a damaged hash; make it by python -m lambda_api hash-password")
    return PasswordHash(b64decode(parts[1]), b64decode(parts[2]))


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_N, r=_R, p=_P, maxmem=2**26, dklen=_HASH_BYTES)
