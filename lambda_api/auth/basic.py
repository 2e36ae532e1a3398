"""HTTP Basic authentication (RFC 7617) with rate limiting of failed logins."""

import asyncio
import base64
from typing import Protocol
from unicodedata import normalize

from fastapi import Request

from lambda_api.auth.encodings import utf8_forms
from lambda_api.auth.failed_logins import FailedLogins
from lambda_api.base64_text import decode_base64
from lambda_api.problems import Problem
from lambda_api.workers import Run

CHALLENGE = {"WWW-Authenticate": 'Basic realm="landscape-classifier", charset="UTF-8"'}


class Authenticator(Protocol):
    """Verifies credentials."""

    def is_known(self, credentials: bytes) -> bool:
        """Return True if `name:password` is already known to be right. Never waits."""
        ...

    async def verify(self, credentials: bytes, run: Run) -> bool:
        """Return True if `name:password` is right. May compute a hash or call AWS."""
        ...


class BasicAuth:
    """Checks the credentials of requests and rate-limits failed logins.

    FastAPI's `HTTPBasic` decodes credentials as ASCII and rejects correct non-ASCII passwords.
    """

    def __init__(self, authenticator: Authenticator, failures: FailedLogins, run: Run) -> None:
        self._authenticator, self._failures, self._run = authenticator, failures, run
        self._one_at_a_time = asyncio.Lock()

    async def check(self, request: Request) -> str:
        """Return the user's name if the credentials of a request are right.

        Failed logins are counted per client address. On Lambda, this is the address seen by the
        gateway. Under uvicorn, it is the address of the connection, or the one reported by a proxy
        that uvicorn trusts.

        Raises:
            Problem: 401 for missing or wrong credentials, 429 after too many failed logins.
        """
        credentials = _credentials(request.headers.get("Authorization", ""))
        if credentials is None:
            raise _unauthorized()
        source = request.client.host if request.client else ""
        self._raise_if_limited(source, request)
        if self._authenticator.is_known(credentials):
            return _user(credentials)
        # Verify one login at a time and count its failure before the next. Otherwise, many
        # concurrent guesses would all pass the limit, and each would compute a hash.
        async with self._one_at_a_time:
            self._raise_if_limited(source, request)
            if await self._authenticator.verify(credentials, self._run):
                return _user(credentials)
            self._failures.add(source)
        request.state.log["login"] = "failed"
        raise _unauthorized()

    def _raise_if_limited(self, source: str, request: Request) -> None:
        # Applies to right credentials too: a different response would reveal a right guess.
        if wait_s := self._failures.wait_s(source):
            request.state.log["login"] = "slowed"
            raise Problem(
                429,
                "too-many-failed-logins",
                f"Too many failed logins from your address. Try again in {wait_s} s.",
                {"Retry-After": str(wait_s)},
            )


def _credentials(authorization: str) -> bytes | None:
    """Return `name:password` of a header, or None if the header has no Basic credentials."""
    scheme, _, parameter = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(parameter, validate=True)
    except ValueError:
        pass
    try:
        return decode_base64(parameter.encode("latin-1"))
    except ValueError:
        return None


def _user(credentials: bytes) -> str:
    """Return the name in verified credentials. Others may have a password in its place."""
    sent = utf8_forms(credentials.partition(b":")[0])[0]
    return normalize("NFC", sent.decode())


def _unauthorized() -> Problem:
    detail = "Missing or wrong credentials. Use HTTP Basic authentication."
    return Problem(401, "unauthorized", detail, CHALLENGE)
