"""Password rules and password hashes."""

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

# An scrypt configuration of OWASP's Password Storage Cheat Sheet. It takes 16 MiB, which fits a
# small Lambda. The configuration listed first takes 128 MiB.
_N, _R, _P = 2**14, 8, 5
_SALT_BYTES, _HASH_BYTES = 16, 32
_HASH = re.compile(rf"scrypt\${_N}\${_R}\${_P}\$([A-Za-z0-9+/]{{22}}==)\$([A-Za-z0-9+/]{{43}}=)")


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A salted scrypt hash of a password (RFC 7914)."""

    salt: bytes
    digest: bytes

    @classmethod
    def unmatchable(cls) -> Self:
        """Return a hash that no password matches.

        Verifying against it makes unknown users take as long as known ones.
        """
        return cls(secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_HASH_BYTES))

    def __str__(self) -> str:
        salt, digest = b64encode(self.salt).decode(), b64encode(self.digest).decode()
        return f"scrypt${_N}${_R}${_P}${salt}${digest}"

    def verify(self, password: bytes) -> bool:
        """Return True if `password` matches. Takes tens of milliseconds and 16 MiB."""
        return compare_digest(_scrypt(password, self.salt), self.digest)


def hash_password(password: str) -> PasswordHash:
    """Hash a password with a new salt. Raises `ValueError` as `check_password`."""
    check_password(password)
    salt = secrets.token_bytes(_SALT_BYTES)
    return PasswordHash(salt, _scrypt(password.encode(), salt))


def check_password(password: str) -> None:
    """Raise `ValueError` for a short or common password. The message does not contain it."""
    if len(password) < MIN_LENGTH:
        raise ValueError(f"needs at least {MIN_LENGTH} characters")
    if len(set(password)) < _MIN_DIFFERENT or password.lower().startswith(_DEFAULTS):
        raise ValueError("is a common password or a pattern: generate one")


def read_secret(text: str) -> str | PasswordHash:
    """Parse a setting that is a password or a hash.

    Raises:
        ValueError: the password is rejected by `check_password`, or the hash is damaged.
    """
    if not text.startswith("scrypt$"):
        check_password(text)
        return text
    match = _HASH.fullmatch(text)
    if match is None:
        raise ValueError("is a damaged hash: create one with python -m lambda_api hash-password")
    return PasswordHash(b64decode(match[1]), b64decode(match[2]))


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_N, r=_R, p=_P, maxmem=2**26, dklen=_HASH_BYTES)
