"""Bearer tokens (JWT) that the authorizer of an HTTP API has checked."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.types import Scope

from lambda_api.problems import Problem

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="landscape-classifier"'}
# Claims that name the user, best first. `sub` is often an opaque ID. Tokens of programs (client
# credentials) may only have a client's ID.
USER_CLAIMS = ("username", "cognito:username", "preferred_username", "sub", "client_id")


class GatewayTokens:
    """Reads the claims that API Gateway has verified and added to the event.

    Signature, expiry, audience and scopes are checked by the gateway. Headers are never read: a
    client controls them, but not the request context of the event.

    Args:
        issuer: the issuer that the claims must name.
    """

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    async def check(self, request: Request) -> str:
        """Return the user's name from the claims of a request.

        Raises:
            Problem: 401 if the event has no verified claims, or claims of another issuer.
        """
        claims = _claims(request.scope)
        if claims.get("iss") != self._issuer:
            raise Problem(
                401,
                "unauthorized",
                "Missing or wrong token. Send one of the identity provider: "
                "`Authorization: Bearer ...`.",
                CHALLENGE,
            )
        names = (claims.get(name) for name in USER_CLAIMS)
        return next((name for name in names if isinstance(name, str) and name), "unknown")


def _claims(scope: Scope) -> Mapping[str, Any]:
    """Return the claims in an event of an HTTP API, or none.

    A REST API with a custom authorizer can only put strings into the request context, so a "jwt"
    that is an object comes from an HTTP API.
    """
    match scope.get("aws.event"):
        case {
            "version": "2.0",
            "requestContext": {"authorizer": {"jwt": {"claims": dict(claims)}}},
        }:
            return claims
    return {}
