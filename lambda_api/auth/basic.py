"""HTTP Basic auth (RFC 7617): who is let in, and who has to wait."""

import asyncio
import base64
from typing import Protocol

from fastapi import Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from lambda_api.auth.failed_logins import FailedLogins
from lambda_api.problems import Problem
from lambda_api.workers import Run

CHALLENGE = {"WWW-Authenticate": 'Basic realm="landscape-classifier", charset="UTF-8"'}


class Directory(Protocol):
    """Whoever knows the users."""

    def recognises(self, credentials: bytes) -> bool:
        """Whether `name:password` is known to be right, without any wait."""
        ...

    async def admit(self, credentials: bytes, run: Run) -> bool:
        """Whether it is right, found out however long it takes."""
        ...


class BasicAuth(SecurityBase):
    """A dependency that lets users in, and slows down who guesses.

    FastAPI's own `HTTPBasic` decodes credentials as ASCII and refuses a right non-ASCII password.
    """

    def __init__(self, users: Directory, failures: FailedLogins, run: Run) -> None:
        self.scheme_name = "BasicAuth"
        self.model = HTTPBase(scheme="basic", description="A user's name and password, in UTF-8.")
        self._users, self._failures, self._run = users, failures, run
        self._one_by_one = asyncio.Lock()

    async def __call__(self, request: Request) -> None:
        """Raises a `Problem`: 401 without the right credentials, 429 after too many wrong ones.

        The source is the peer's address: in Lambda the one that the gateway saw, under uvicorn
        the connection's, or what a proxy says that uvicorn was told to trust.
        """
        credentials = _credentials(request.headers.get("Authorization", ""))
        if credentials is None:
            raise _unauthorized()
        source = request.client.host if request.client else ""
        self._refuse_while_slowed(source, request)
        if self._users.recognises(credentials):
            return
        # One at a time, and counted before the next: of many guesses sent at once, no more than a
        # source may have are looked at, and no more than one hash is computed.
        async with self._one_by_one:
            self._refuse_while_slowed(source, request)
            if await self._users.admit(credentials, self._run):
                return
            self._failures.add(source)
        request.state.log["login"] = "failed"
        raise _unauthorized()

    def _refuse_while_slowed(self, source: str, request: Request) -> None:
        # Whoever has to wait is not told whether this try was right: it would be one more guess.
        if wait_s := self._failures.wait_s(source):
            request.state.log["login"] = "slowed"
            raise Problem(
                429,
                "too-many-failed-logins",
                f"Too many failed log-ins from your address. Try again in {wait_s} s.",
                {"Retry-After": str(wait_s)},
            )


def _credentials(authorization: str) -> bytes | None:
    """`name:password` of a header; None where it holds none, which is no guess either."""
    scheme, _, parameter = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(parameter.strip(), validate=True)
    except ValueError:
        return None


def _unauthorized() -> Problem:
    return Problem(401, "unauthorized", "Send the right credentials by HTTP Basic auth.", CHALLENGE)
