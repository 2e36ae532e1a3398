"""Users with passwords or password hashes, from settings or from Secrets Manager."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from time import monotonic

from aws_lambda_powertools import Logger

from lambda_api import aws
from lambda_api.auth.encodings import encodings, unicode_forms, utf8_forms
from lambda_api.auth.passwords import PasswordHash, read_secret
from lambda_api.workers import Run

REREAD_S = 300.0  # a rotated password may work for so long
REREAD_AFTER_FAILURE_S = 10.0  # a new password works after so long


class UsersError(ValueError):
    """Invalid users. The message does not contain passwords."""


class Users:
    """A fixed set of users.

    Credentials are compared as keyed digests of one length, which avoids timing attacks and keeps
    passwords out of memory. Credentials that matched a hash are kept as a digest too, so scrypt
    runs once per user and encoding. Names and passwords outside ASCII match in all encodings of
    `lambda_api.auth.encodings`.

    Args:
        passwords: passwords or password hashes by user name.

    Raises:
        UsersError: there are no users, a name is empty or has a colon (RFC 7617), or a password
            is rejected.
    """

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._key = secrets.token_bytes(32)
        self._digests: set[bytes] = set()
        self._hashes: dict[bytes, PasswordHash] = {}
        if not passwords:
            raise UsersError("No users are defined.")
        for name, text in passwords.items():
            if not name or ":" in name:
                raise UsersError(f"Invalid user name {name!r}: it is empty or has a colon.")
            try:
                secret = read_secret(text)
            except ValueError as error:
                raise UsersError(f"The password of {name!r} {error}.") from None
            if isinstance(secret, PasswordHash):
                self._hashes[name.encode()] = secret
            else:
                self._digests.update(
                    self._digest(credentials)
                    for name_form in unicode_forms(name)
                    for secret_form in unicode_forms(secret)
                    for credentials in encodings(f"{name_form}:{secret_form}")
                )
        # Used for unknown names, so that the time does not reveal which names exist.
        self._unmatchable = PasswordHash.unmatchable() if self._hashes else None

    def is_known(self, credentials: bytes) -> bool:
        """Return True if `name:password` is right, without computing a hash."""
        digest = self._digest(credentials)
        # Not `any`, which would stop at the first match: all are compared.
        return sum(compare_digest(digest, expected) for expected in self._digests) > 0

    async def verify(self, credentials: bytes, run: Run) -> bool:
        """Return True if `name:password` is right. Hashes are computed with `run`."""
        if self.is_known(credentials):
            return True
        if self._unmatchable is None:
            return False
        name, _, password = credentials.partition(b":")
        known = [self._hashes[form] for form in utf8_forms(name) if form in self._hashes]
        expected = known[0] if known else self._unmatchable
        if not await run(_verify_any, expected, utf8_forms(password)) or not known:
            return False
        self._digests.add(self._digest(credentials))
        return True

    def _digest(self, credentials: bytes) -> bytes:
        return hashlib.blake2b(credentials, key=self._key, digest_size=32).digest()


def _verify_any(expected: PasswordHash, passwords: list[bytes]) -> bool:
    return any(expected.verify(password) for password in passwords)


class SecretUsers:
    """Users from Secrets Manager. The secret is read again, so a rotation needs no restart.

    If reading it again fails, the error is logged and the current users stay valid.

    Args:
        arn: ARN of a secret with the text `{"username": ..., "password": ...}` or
            `{"users": {name: password, ...}}`. Passwords may be hashes.
        logger: logs failures to read the secret again.

    Raises:
        UsersError: the secret cannot be read, or its users are invalid.
    """

    def __init__(self, arn: str, logger: Logger) -> None:
        self._arn, self._logger = arn, logger
        self._text, self._users = self._read()
        self._read_at = monotonic()

    def is_known(self, credentials: bytes) -> bool:
        """As `Users.is_known`, but False if the secret is due to be read again."""
        return monotonic() - self._read_at < REREAD_S and self._users.is_known(credentials)

    async def verify(self, credentials: bytes, run: Run) -> bool:
        """As `Users.verify`, with the current text of the secret."""
        await self._reread(REREAD_S, run)
        if await self._users.verify(credentials, run):
            return True
        before = self._users
        await self._reread(REREAD_AFTER_FAILURE_S, run)
        return self._users is not before and await self._users.verify(credentials, run)

    async def _reread(self, after_s: float, run: Run) -> None:
        if monotonic() - self._read_at < after_s:
            return
        self._read_at = monotonic()
        try:
            text, users = await run(self._read)
        except UsersError as error:
            self._logger.error("users not re-read", reason=str(error))
            return
        if text != self._text:  # else keep the users with their verified digests
            self._text, self._users = text, users

    def _read(self) -> tuple[str, Users]:
        try:
            text = aws.secret_text(self._arn)
        except aws.AwsError as error:
            raise UsersError(f"Cannot read the secret of AUTH_SECRET_ARN ({error}).") from error
        try:
            return text, Users(_users_in(text))
        except UnicodeEncodeError as error:
            raise UsersError("The secret of AUTH_SECRET_ARN is not valid UTF-8.") from error


def _users_in(text: str) -> dict[str, str]:
    """Parse a secret's text into passwords by user name."""
    try:
        match json.loads(text):
            case {"users": dict(users)} if all(isinstance(x, str) for x in users.values()):
                return users
            case {"username": str(name), "password": str(password)}:
                return {name: password}
    except (ValueError, RecursionError):
        pass
    raise UsersError(
        'The secret of AUTH_SECRET_ARN must be {"username": ..., "password": ...} or '
        '{"users": {...}}.'
    )
