"""HTTP Basic auth (RFC 7617), compared as bytes in constant time."""

import base64
import binascii
from hashlib import sha256
from hmac import compare_digest

from fastapi import Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from lambda_api.problems import Problem

CHALLENGE = {"WWW-Authenticate": 'Basic realm="landscape-classifier", charset="UTF-8"'}


class BasicAuth(SecurityBase):
    """A dependency that lets one user in.

    FastAPI's own `HTTPBasic` decodes credentials as ASCII and refuses a right non-ASCII password.
    """

    def __init__(self, username: str, password: str) -> None:
        self.scheme_name = "BasicAuth"
        self.model = HTTPBase(scheme="basic")
        # Digests have one length, so the comparison tells nothing about the password's.
        self._expected = sha256(f"{username}:{password}".encode()).digest()

    async def __call__(self, request: Request) -> None:
        """Raises a 401 `Problem` unless the request carries the right credentials."""
        scheme, _, parameter = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(parameter.strip(), validate=True)
        except (binascii.Error, ValueError):
            given = b""
        if not compare_digest(sha256(given).digest(), self._expected) or scheme.lower() != "basic":
            raise Problem(
                401, "unauthorized", "Send the right credentials by HTTP Basic auth.", CHALLENGE
            )
