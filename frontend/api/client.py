"""A client of the classification API.

    from pathlib import Path

    from frontend.api import ApiClient

    with ApiClient("https://api.example.com", "me", "my password") as client:
        prediction = client.predict(Path("beach.jpg").read_bytes(), "beach.jpg")
        print(prediction.label, prediction.confidence)

Calls return the types of `frontend.api.predictions` and `frontend.api.manifest`. A failed call
raises an `ApiError` (see `frontend.api.errors`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import requests
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from frontend.api.errors import (
    ApiError,
    TimedOut,
    TokenRejected,
    UnexpectedResponse,
    Unreachable,
    error_from_item,
    error_from_response,
    json_object,
)
from frontend.api.manifest import Manifest
from frontend.api.predictions import (
    Batch,
    ExplainedPrediction,
    FeedbackReceipt,
    Health,
    PredictedItem,
    Prediction,
    Response,
)
from frontend.api.transport import BearerAuth, NoAuth, Retry

CONNECT_TIMEOUT_S = 3.05  # just over the three seconds after which TCP resends a lost packet
RESPONSE_TIMEOUT_S = 35.0  # API Gateway times out after 30 s and reports it; wait for that report
HEALTH_TIMEOUT_S = 3.0
MAX_BATCH = 16  # the API's limit on pictures per request
RETRIES = 3
RETRY_AFTER_MAX_S = 5  # cap on `Retry-After`: a person is waiting

ResponseT = TypeVar("ResponseT", bound=Response)


class ApiClient:
    """A connection to one API. Not thread-safe, since `requests.Session` is not.

    A call is retried with back-off: up to three times after status 429, 502, 503 or 504, and as
    often if the connection fails or closes without a response. Retrying is safe because a
    classification changes nothing on the server. `health` does not wait between attempts.

    Args:
        base_url: the API's address, without a slash at the end.
        username: user name for HTTP Basic authentication. Without a user name and a token, only
            `health` works.
        password: its password. It is sent with every request without waiting for a challenge:
            API Gateway renames the header that carries a challenge.
        token: returns a valid bearer token; called for every request. Replaces user and password.
        backoff_s: seconds before the second retry; doubles with each further retry.
    """

    def __init__(
        self,
        base_url: str,
        username: str = "",
        password: str = "",
        *,
        token: Callable[[], str] | None = None,
        backoff_s: float = 1.0,
    ) -> None:
        self.base_url = base_url
        self._sends_token = token is not None
        retry = Retry(
            total=None,
            connect=RETRIES,
            read=RETRIES,
            status=RETRIES,
            other=RETRIES,
            allowed_methods=None,  # all methods, including POST
            status_forcelist=(429, 502, 503, 504),
            backoff_factor=backoff_s / 2,
            retry_after_max=RETRY_AFTER_MAX_S,
            raise_on_status=False,
        )
        self._session = requests.Session()
        if token:
            self._session.auth = BearerAuth(token)
        elif username:
            self._session.auth = HTTPBasicAuth(username.encode(), password.encode())
        else:
            self._session.auth = NoAuth()
        self._session.mount(f"{base_url}/", HTTPAdapter(max_retries=retry))
        health_retry = Retry(connect=0, read=1, other=0, respect_retry_after_header=False)
        self._session.mount(f"{base_url}/health", HTTPAdapter(max_retries=health_retry))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def health(self) -> Health:
        """Request the API's health; takes a few seconds at most.

        Raises:
            NotReady: the API runs but has no model; the text names the reason.
            Unreachable: no response.
            UnexpectedResponse: another server runs at the address.
        """
        return self._read(Health, self._send("GET", "/health", timeout_s=HEALTH_TIMEOUT_S))

    def predict(self, picture: bytes, filename: str, *, top_k: int | None = None) -> Prediction:
        """Classify one picture.

        Args:
            picture: a picture in a format of the API, at most 4,000,000 bytes and 40 megapixels.
            filename: name to send with the file; the API detects the format from the content.
            top_k: number of classes to return; None for the API's default.

        Raises:
            TooLarge, NotAPicture: the API rejected the picture.
            WrongCredentials, TokenRejected, RateLimited, NotReady, ServerFault: the API did not
                serve the call.
            Unreachable, TimedOut, UnexpectedResponse: no valid response.
        """
        started = time.perf_counter()
        response = self._send(
            "POST",
            "/predict",
            timeout_s=RESPONSE_TIMEOUT_S,
            files={"file": (filename, picture)},
            params={"top_k": top_k},
        )
        measured = _measured(response, _ms_since(started))
        return self._read(Prediction, response, **measured, raw=json_object(response))

    def predict_batch(self, pictures: Sequence[tuple[str, bytes]]) -> list[Prediction | ApiError]:
        """Classify several pictures in one request.

        Args:
            pictures: file names and contents; at most `MAX_BATCH` pictures and 4,000,000 bytes
                in total.

        Returns:
            For each picture, its prediction or the error that `predict` would have raised.

        Raises:
            ApiError: as `predict`, if the request as a whole failed.
        """
        started = time.perf_counter()
        response = self._send(
            "POST",
            "/predict/batch",
            timeout_s=RESPONSE_TIMEOUT_S,
            files=[("file", picture) for picture in pictures],
        )
        measured = _measured(response, _ms_since(started))
        batch = self._read(Batch, response)
        ids = {"request_id": batch.request_id, "model_version": batch.model_version}
        return [
            Prediction(
                **item.prediction.model_dump(),
                **ids,
                **measured,
                request_pictures=len(pictures),
                raw={**ids, **raw["prediction"]},
            )
            if isinstance(item, PredictedItem)
            else error_from_item(item.error.status, item.error.detail, batch.request_id)
            for item, raw in zip(batch.results, json_object(response)["results"], strict=True)
        ]

    def explain(self, picture: bytes, filename: str, *, grid: int = 7) -> ExplainedPrediction:
        """Request an occlusion map: which parts of the picture support the predicted label.

        Args:
            picture: as for `predict`.
            filename: as for `predict`.
            grid: tiles per side; the API runs `grid**2 + 1` inferences.

        Raises:
            ApiError: as `predict`.
        """
        response = self._send(
            "POST",
            "/explain",
            timeout_s=RESPONSE_TIMEOUT_S,
            files={"file": (filename, picture)},
            params={"grid": grid},
        )
        return self._read(ExplainedPrediction, response)

    def correct(self, picture: bytes, filename: str, label: str) -> FeedbackReceipt:
        """Store the right label of a picture, for the next training.

        Args:
            picture: as for `predict`.
            filename: as for `predict`.
            label: the right class, or `NO_CLASS`.

        Raises:
            ApiError: as `predict`; with status 404 if the API stores no corrections.
        """
        response = self._send(
            "POST",
            "/feedback",
            timeout_s=RESPONSE_TIMEOUT_S,
            files={"file": (filename, picture)},
            data={"label": label},
        )
        return self._read(FeedbackReceipt, response)

    def model(self) -> Manifest:
        """Request the manifest of the served model: its metrics, training data and settings.

        Raises:
            ApiError: as `predict`, except `PictureRefused`.
        """
        return self._read(Manifest, self._send("GET", "/model", timeout_s=RESPONSE_TIMEOUT_S))

    def _send(self, verb: str, path: str, *, timeout_s: float, **request: Any) -> requests.Response:
        try:
            response = self._session.request(
                verb,
                f"{self.base_url}{path}",
                timeout=(CONNECT_TIMEOUT_S, timeout_s),
                allow_redirects=False,  # following a redirect would turn a POST into a GET
                **request,
            )
        except requests.ReadTimeout as error:
            raise TimedOut(f"{self.base_url} did not respond within {timeout_s:.0f} s.") from error
        except requests.RequestException as error:
            raise Unreachable(f"{self.base_url} does not respond.") from error
        refused = (requests.codes.unauthorized, requests.codes.forbidden)
        if self._sends_token and response.status_code in refused:
            raise TokenRejected("The API rejected the token.", status=response.status_code)
        if response.status_code not in (requests.codes.ok, requests.codes.created):
            raise error_from_response(response)
        return response

    def _read(
        self, model: type[ResponseT], response: requests.Response, **fields: Any
    ) -> ResponseT:
        try:
            return model.model_validate({**response.json(), **fields})
        except (requests.JSONDecodeError, TypeError, ValidationError) as error:
            raise UnexpectedResponse(
                f"The response of {self.base_url} is not one of this API.",
                status=response.status_code,
            ) from error


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _measured(response: requests.Response, round_trip_ms: float) -> dict[str, Any]:
    """Fields of a prediction that are not in the response's body."""
    cold = {"true": True, "false": False}.get(response.headers.get("X-Cold-Start", ""))
    return {"round_trip_ms": round_trip_ms, "cold_start": cold}
