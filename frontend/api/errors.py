"""What can go wrong between a client and the API, each with a name of its own."""

from typing import Any

import requests


class ApiError(Exception):
    """A call that brought no answer. The text is meant for people and holds no credentials.

    Attributes:
        status: HTTP status code, or None where there was no HTTP answer.
        request_id: the id under which the API logged the request, where it gave one.
        retry_after_s: seconds after which the API asked to be tried again, where it did.
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
    """Nothing answers at the address: wrong address, no network, or the API is not running."""


class TimedOut(Unreachable):
    """The API took the request but did not answer in time."""


class UnexpectedAnswer(ApiError):
    """Something answers at the address, but not as this API does."""


class WrongCredentials(ApiError):
    """401: the API does not accept the user name and password."""


class RateLimited(ApiError):
    """429: too many requests; still so after the retries."""


class NotReady(ApiError):
    """503: the API runs but cannot classify: its model is loading, missing or damaged."""


class ServerFault(ApiError):
    """Any other 5xx: the API failed, and the request was not at fault."""


class PictureRefused(ApiError):
    """The picture is at fault: sending the same one again brings the same answer."""


class TooLarge(PictureRefused):
    """413: more bytes or pixels than the API takes; the text says the limit."""


class NotAPicture(PictureRefused):
    """400, 415 or 422: empty, of another format, or damaged."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: NotAPicture,
    401: WrongCredentials,
    413: TooLarge,
    415: NotAPicture,
    422: NotAPicture,
    429: RateLimited,
    503: NotReady,
}


def error_from(response: requests.Response) -> ApiError:
    """Tell by its status and its problem+json body which error a non-200 answer stands for."""
    status = response.status_code
    problem = _problem(response)
    retry_after = response.headers.get("Retry-After", "")
    return _kind(status)(
        str(problem.get("detail") or problem.get("title") or f"The API answered {status}."),
        status=status,
        request_id=problem.get("request_id") or response.headers.get("X-Request-ID"),
        retry_after_s=int(retry_after) if retry_after.isdecimal() else None,
    )


def error_of_item(status: int, detail: str, request_id: str) -> ApiError:
    """The error that one picture of several was answered with."""
    return _kind(status)(detail, status=status, request_id=request_id)


def _kind(status: int) -> type[ApiError]:
    return _BY_STATUS.get(status, ServerFault if status >= 500 else UnexpectedAnswer)


def _problem(response: requests.Response) -> dict[str, Any]:
    """The RFC 9457 problem in the body; empty where a proxy or another server answered."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
