"""Retries and authentication of the API client's requests."""

from collections.abc import Callable
from typing import Any, Self

import requests
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import retry


class Retry(retry.Retry):
    """Retry after a connection closes without a response, as one that was idle for long does.

    A read timeout is not retried: the caller has already waited for the full timeout.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Self:
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *args, **kwargs)


class BearerAuth(AuthBase):
    """A bearer token, requested from a function for each request."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request


class NoAuth(AuthBase):
    """No credentials, not even those of ~/.netrc, which requests would send without an `auth`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request
