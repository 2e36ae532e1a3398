"""State of the API, requested in the background so that no visitor waits for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from frontend.api.errors import ApiError, WrongCredentials
from frontend.api.manifest import Manifest
from frontend.api.predictions import Health, Response

FRESH_S = 5.0  # one result serves all visitors for this long
MANIFEST_FRESH_S = 300.0  # a manifest changes only with the model's version
REJECTED_FRESH_S = 60.0
WAIT_S = 0.4  # how long a visitor waits; enough for an API that is up and near

T = TypeVar("T", bound=Response)
HealthResult = Health | ApiError
ModelResult = Manifest | ApiError


class Watch(Generic[T]):
    """A cached request, shared by several visitors, that runs in a separate thread.

    Args:
        request: sends the request; takes a few seconds at most and raises `ApiError`.
    """

    def __init__(self, request: Callable[[], T]) -> None:
        self._request = request
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watch")
        self._lock = Lock()
        self._pending: Future[None] | None = None
        self._requested_at = 0.0
        self._expired = False
        self._last: T | ApiError | None = None

    def latest(self) -> T | ApiError | None:
        """Return the most recent result; None before the first one.

        A result that is no longer fresh starts a new request, which is waited for up to `WAIT_S`.
        """
        with self._lock:
            if self._pending is None or (
                self._pending.done()
                and (self._expired or monotonic() - self._requested_at > self._fresh_s())
            ):
                self._expired = False
                self._requested_at = monotonic()
                self._pending = self._thread.submit(self._update)
            pending = self._pending
        wait([pending], timeout=WAIT_S)
        return self._last

    def expire(self, min_age_s: float = 0.0) -> None:
        """Make the next `latest` send the request again, even if the last result is fresh.

        Args:
            min_age_s: seconds since the last request, below which nothing happens.
        """
        with self._lock:
            self._expired |= monotonic() - self._requested_at >= min_age_s

    def _fresh_s(self) -> float:
        return FRESH_S

    def _update(self) -> None:
        try:
            self._last = self._request()
        except ApiError as error:
            self._last = error


class HealthWatch(Watch[Health]):
    """Watch of `GET /health`."""


class ModelWatch(Watch[Manifest]):
    """Watch of `GET /model`, which also shows whether the API accepts the credentials.

    Rejected credentials are rarely sent again: the API rate-limits failed logins.
    """

    def _fresh_s(self) -> float:
        match self._last:
            case Manifest():
                return MANIFEST_FRESH_S
            case WrongCredentials():
                return REJECTED_FRESH_S
            case _:
                return FRESH_S
