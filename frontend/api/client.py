"""A client of the classification API.

    from pathlib import Path

    from frontend.api.client import ApiClient

    with ApiClient("https://api.example.com", "me", "my password") as client:
        answer = client.predict(Path("beach.jpg").read_bytes(), "beach.jpg")
        print(answer.label, answer.confidence)

Calls return the values of `frontend.api.predictions` and `frontend.api.manifest`. Where there is no
answer, they raise an `ApiError` of `frontend.api.errors`.
"""

import time
from collections.abc import Sequence
from typing import Any, Self, TypeVar

import requests
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

from frontend.api.errors import (
    ApiError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    error_from,
    error_of_item,
)
from frontend.api.manifest import Manifest
from frontend.api.predictions import Answer, AnsweredItem, Batch, Explained, Health, Prediction

CONNECT_TIMEOUT_S = 3.05  # just over TCP's three seconds before it repeats a lost packet
ANSWER_TIMEOUT_S = 35.0  # API Gateway gives up after 30 and says so; hear it out
HEALTH_TIMEOUT_S = 3.0  # a page waits for it
MAX_BATCH = 16  # pictures that the API takes in one request
RETRIES = 3
RETRY_AFTER_MAX_S = 5  # however long the API asks for: a person is waiting

AnswerT = TypeVar("AnswerT", bound=Answer)


class _Retry(Retry):
    """Tries again where the connection ends without an answer, as one does that was idle for long.

    Not after a time-out: it has been waited for long enough.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *others: Any,
        **more: Any,
    ) -> Self:
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *others, **more)


class ApiClient:
    """One connection to one API. Not for several threads at once (`requests.Session` is not).

    A call is tried up to three more times, with back-off, on 429, 502, 503 and 504, where no
    connection comes about and where one ends without an answer; a classification changes nothing,
    so repeating it is safe. Only `health` does not wait: it reports.

    Args:
        base_url: the API's address, without a slash at the end.
        username: user name for Basic authentication.
        password: its password. Sent with every request without waiting for a challenge, since API
            Gateway renames the header that a challenge needs.
        backoff_s: seconds before the second retry; doubles with each further one.
    """

    def __init__(
        self, base_url: str, username: str, password: str, *, backoff_s: float = 1.0
    ) -> None:
        self.base_url = base_url
        retry = _Retry(
            total=RETRIES,
            allowed_methods=None,  # any, POST included
            status_forcelist=(429, 502, 503, 504),
            backoff_factor=backoff_s / 2,
            retry_after_max=RETRY_AFTER_MAX_S,
            raise_on_status=False,
        )
        self._session = requests.Session()
        self._session.auth = HTTPBasicAuth(username.encode(), password.encode())
        self._session.mount(f"{base_url}/", HTTPAdapter(max_retries=retry))
        once_more = _Retry(connect=0, read=1, other=0, respect_retry_after_header=False)
        self._session.mount(f"{base_url}/health", HTTPAdapter(max_retries=once_more))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def health(self) -> Health:
        """Ask whether the API can classify; takes a few seconds at most.

        Raises:
            NotReady: it runs but cannot; the text says why.
            Unreachable: it does not answer.
            UnexpectedAnswer: something else answers.
        """
        return self._read(Health, self._send("GET", "/health", timeout_s=HEALTH_TIMEOUT_S))

    def predict(self, picture: bytes, filename: str, *, top_k: int | None = None) -> Prediction:
        """Classify one picture.

        Args:
            picture: a JPEG, PNG or WebP file, at most 4,000,000 bytes and 40 megapixels.
            filename: what to call it; the API tells the format by the content.
            top_k: how many classes to answer; None leaves it to the API.

        Raises:
            TooLarge, NotAPicture: the picture is refused.
            WrongCredentials, RateLimited, NotReady, ServerFault: the API does not serve.
            Unreachable, TimedOut, UnexpectedAnswer: the API is not there.
        """
        started = time.perf_counter()
        response = self._send(
            "POST",
            "/predict",
            timeout_s=ANSWER_TIMEOUT_S,
            files={"file": (filename, picture)},
            params={"top_k": top_k},
        )
        return self._read(Prediction, response, **_seen(response, _ms_since(started)))

    def predict_batch(self, pictures: Sequence[tuple[str, bytes]]) -> list[Prediction | ApiError]:
        """Classify several pictures in one request.

        Args:
            pictures: names and files, at most `MAX_BATCH`, together within the API's limit of
                4,000,000 bytes.

        Returns:
            An answer for each picture, or the error that it alone would have raised.

        Raises:
            ApiError: as `predict`, where the request as a whole has no answer.
        """
        started = time.perf_counter()
        response = self._send(
            "POST",
            "/predict/batch",
            timeout_s=ANSWER_TIMEOUT_S,
            files=[("file", picture) for picture in pictures],
        )
        share_ms = _ms_since(started) / len(pictures)
        batch = self._read(Batch, response)
        seen = {
            **_seen(response, share_ms),
            "request_id": batch.request_id,
            "model_version": batch.model_version,
        }
        return [
            Prediction(**item.prediction.model_dump(), **seen)
            if isinstance(item, AnsweredItem)
            else error_of_item(item.error.status, item.error.detail, batch.request_id)
            for item in batch.results
        ]

    def explain(self, picture: bytes, filename: str, *, grid: int = 7) -> Explained:
        """Ask which parts of a picture its label rests on.

        Args:
            picture: as for `predict`.
            filename: as for `predict`.
            grid: cells a side; the API needs `grid**2 + 1` inferences.

        Raises:
            ApiError: as `predict`.
        """
        response = self._send(
            "POST",
            "/explain",
            timeout_s=ANSWER_TIMEOUT_S,
            files={"file": (filename, picture)},
            params={"grid": grid},
        )
        return self._read(Explained, response)

    def model(self) -> Manifest:
        """What is known of the model that serves: figures of each class, where it comes from.

        Raises:
            ApiError: as `predict`, but for pictures that are refused.
        """
        return self._read(Manifest, self._send("GET", "/model", timeout_s=ANSWER_TIMEOUT_S))

    def _send(self, verb: str, path: str, *, timeout_s: float, **request: Any) -> requests.Response:
        try:
            response = self._session.request(
                verb,
                f"{self.base_url}{path}",
                timeout=(CONNECT_TIMEOUT_S, timeout_s),
                allow_redirects=False,  # a redirected POST would silently turn into a GET
                **request,
            )
        except requests.ReadTimeout as error:
            raise TimedOut(f"{self.base_url} gave no answer in {timeout_s:.0f} s.") from error
        except requests.RequestException as error:
            raise Unreachable(f"{self.base_url} does not answer.") from error
        if response.status_code != requests.codes.ok:
            raise error_from(response)
        return response

    def _read(self, kind: type[AnswerT], response: requests.Response, **seen: Any) -> AnswerT:
        try:
            return kind.model_validate({**response.json(), **seen})
        except (requests.JSONDecodeError, TypeError, ValidationError) as error:
            raise UnexpectedAnswer(
                f"{self.base_url} answers, but not as this API does.", status=response.status_code
            ) from error


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _seen(response: requests.Response, round_trip_ms: float) -> dict[str, Any]:
    """What the body does not say."""
    cold = {"true": True, "false": False}.get(response.headers.get("X-Cold-Start", ""))
    return {"round_trip_ms": round_trip_ms, "cold_start": cold}
