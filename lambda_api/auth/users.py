"""Who may use the service: names with passwords or their hashes, from settings or a secret."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from time import monotonic

from aws_lambda_powertools import Logger

from lambda_api import aws
from lambda_api.auth.passwords import PasswordHash, read_secret
from lambda_api.workers import Run

REREAD_S = 300.0  # of a secret: how long a password that was rotated away may still work
REREAD_AFTER_FAILURE_S = 10.0  # and how soon a new one works


class UsersError(ValueError):
    """Users that are refused; the message names them and why, and tells no password."""


class Users:
    """Names and passwords, as they were when they were read.

    Credentials are compared as keyed digests, all of one length, so neither time nor memory tells
    a password. Those that once fitted a hash are remembered as such a digest: the next request
    with them costs microseconds instead of scrypt's tens of milliseconds.

    Args:
        passwords: for each name a password or its hash, as `passwords.read_secret` reads it.

    Raises:
        UsersError: there are none, a name has a colon (RFC 7617), or a password is refused.
    """

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._key = secrets.token_bytes(32)
        self._digests: dict[bytes, bytes] = {}
        self._hashes: dict[bytes, PasswordHash] = {}
        if not passwords:
            raise UsersError("There are no users.")
        for name, text in passwords.items():
            if not name or ":" in name:
                raise UsersError(f"{name!r} is not a user's name: it is empty or has a colon.")
            try:
                secret = read_secret(text)
            except ValueError as error:
                raise UsersError(f"The password of {name!r} {error}.") from None
            if isinstance(secret, PasswordHash):
                self._hashes[name.encode()] = secret
            else:
                self._digests[name.encode()] = self._digest(f"{name}:{secret}".encode())
        # Whoever has no hash is measured against this one: the time tells nothing about names.
        self._nobody = PasswordHash.of_nothing() if self._hashes else None

    def recognises(self, credentials: bytes) -> bool:
        """Whether `name:password` is one of them, hashes apart that nothing has fitted yet."""
        digest = self._digest(credentials)
        # A sum and not `any`: all are looked at, whichever fits.
        return sum(compare_digest(digest, expected) for expected in self._digests.values()) > 0

    async def admit(self, credentials: bytes, run: Run) -> bool:
        """Whether `name:password` is one of them; hashes are computed in a worker."""
        if self.recognises(credentials):
            return True
        if self._nobody is None:
            return False
        name, _, password = credentials.partition(b":")
        expected = self._hashes.get(name, self._nobody)
        if not await run(expected.fits, password) or expected is self._nobody:
            return False
        self._digests[name] = self._digest(credentials)
        return True

    def _digest(self, credentials: bytes) -> bytes:
        return hashlib.blake2b(credentials, key=self._key, digest_size=32).digest()


class SecretUsers:
    """Users of a secret in Secrets Manager, re-read so that a rotation needs no restart.

    A re-read that fails is logged, and the users last read stay.

    Args:
        arn: of a secret whose text is `{"username": …, "password": …}` or
            `{"users": {name: password, …}}`, passwords as they are or as hashes.

    Raises:
        UsersError: the secret cannot be read, or its users are refused.
    """

    def __init__(self, arn: str, logger: Logger) -> None:
        self._arn, self._logger = arn, logger
        self._text, self._users = self._read()
        self._read_at = monotonic()

    def recognises(self, credentials: bytes) -> bool:
        """As `Users.recognises`; nobody while the secret is due to be read again."""
        return monotonic() - self._read_at < REREAD_S and self._users.recognises(credentials)

    async def admit(self, credentials: bytes, run: Run) -> bool:
        """As `Users.admit`, on what the secret says now."""
        await self._reread(REREAD_S, run)
        if await self._users.admit(credentials, run):
            return True
        before = self._users
        await self._reread(REREAD_AFTER_FAILURE_S, run)
        return self._users is not before and await self._users.admit(credentials, run)

    async def _reread(self, after_s: float, run: Run) -> None:
        if monotonic() - self._read_at < after_s:
            return
        self._read_at = monotonic()
        try:
            text, users = await run(self._read)
        except UsersError as error:
            self._logger.error("users not re-read", reason=str(error))
            return
        if text != self._text:  # else the old ones stay, with what they remember
            self._text, self._users = text, users

    def _read(self) -> tuple[str, Users]:
        try:
            text = aws.secret_text(self._arn)
        except aws.AwsError as error:
            raise UsersError(f"The secret of AUTH_SECRET_ARN cannot be read ({error}).") from error
        try:
            return text, Users(_users_in(text))
        except UnicodeEncodeError as error:
            raise UsersError("The secret of AUTH_SECRET_ARN holds what is no text.") from error


def _users_in(text: str) -> dict[str, str]:
    """Names and passwords in a secret's text."""
    try:
        match json.loads(text):
            case {"users": dict(users)} if all(isinstance(x, str) for x in users.values()):
                return users
            case {"username": str(name), "password": str(password)}:
                return {name: password}
    except (ValueError, RecursionError):
        pass
    raise UsersError(
        'The secret of AUTH_SECRET_ARN is neither {"username": …, "password": …} nor '
        '{"users": {…}}.'
    )
