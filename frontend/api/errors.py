"""Errors of the API client, one class for each cause."""

from typing import Any

import requests


class ApiError(Exception):
    """A failed call. The text is meant for people and contains no credentials.

    Attributes:
        status: HTTP status code, or None if there was no HTTP response.
        request_id: the ID under which the API logged the request, or None.
        retry_after_s: seconds from the `Retry-After` header, or None.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class Unreachable(ApiError):
    """No response: wrong address, no network, or the API is not running."""


class TimedOut(Unreachable):
    """The API accepted the request but did not respond in time."""


class UnexpectedResponse(ApiError):
    """A response that this API does not send: another server runs at the address."""


class WrongCredentials(ApiError):
    """401: the API rejected the user name or password."""


class TokenRejected(WrongCredentials):
    """401 or 403: the token has expired, or lacks an audience or a scope that the API needs."""


class RateLimited(ApiError):
    """429: too many requests, even after the retries."""


class NotReady(ApiError):
    """503: the API runs, but its model is loading, missing or damaged."""


class ServerFault(ApiError):
    """Any other 5xx: the API failed; the request was valid."""


class PictureRefused(ApiError):
    """The API rejected the picture. Sending it again gives the same result."""


class TooLarge(PictureRefused):
    """413: the picture exceeds the API's limit on bytes or pixels; the text names the limit."""


class NotAPicture(PictureRefused):
    """400, 415 or 422: the file is empty, damaged or in another format."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: NotAPicture,
    401: WrongCredentials,
    413: TooLarge,
    415: NotAPicture,
    422: NotAPicture,
    429: RateLimited,
    503: NotReady,
}


def error_from_response(response: requests.Response) -> ApiError:
    """Create the error for a response other than 200, from its status and problem+json body."""
    status = response.status_code
    problem = json_object(response)
    retry_after = response.headers.get("Retry-After", "")
    return _error_class(status)(
        str(problem.get("detail") or problem.get("title") or f"The API returned status {status}."),
        status=status,
        request_id=problem.get("request_id") or response.headers.get("X-Request-ID"),
        retry_after_s=int(retry_after) if retry_after.isdecimal() else None,
    )


def error_from_item(status: int, detail: str, request_id: str) -> ApiError:
    """Create the error for one failed picture of a batch."""
    return _error_class(status)(detail, status=status, request_id=request_id)


def _error_class(status: int) -> type[ApiError]:
    return _BY_STATUS.get(status, ServerFault if status >= 500 else UnexpectedResponse)


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object in a response's body; empty if the body is something else."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
