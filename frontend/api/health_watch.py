"""Health of the API, requested in the background so that no visitor waits for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from time import monotonic

from frontend.api.errors import ApiError
from frontend.api.predictions import Health

FRESH_S = 5.0  # one result serves all visitors for this long
WAIT_S = 0.4  # how long a visitor waits; enough for an API that is up and near

HealthResult = Health | ApiError


class HealthWatch:
    """A cached health check, shared by all visitors, that runs in a separate thread.

    Args:
        request: requests the health once; takes a few seconds at most and raises `ApiError`.
    """

    def __init__(self, request: Callable[[], Health]) -> None:
        self._request = request
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
        self._lock = Lock()
        self._pending: Future[None] | None = None
        self._requested_at = 0.0
        self._last: HealthResult | None = None

    def latest(self) -> HealthResult | None:
        """Return the most recent result; None before the first one.

        A result older than `FRESH_S` starts a new request, which is waited for up to `WAIT_S`.
        """
        with self._lock:
            if self._pending is None or (
                self._pending.done() and monotonic() - self._requested_at > FRESH_S
            ):
                self._requested_at = monotonic()
                self._pending = self._thread.submit(self._update)
            pending = self._pending
        wait([pending], timeout=WAIT_S)
        return self._last

    def expire(self) -> None:
        """Make the next `latest` request the health again, even if the last result is fresh."""
        with self._lock:
            self._requested_at = -FRESH_S

    def _update(self) -> None:
        try:
            self._last = self._request()
        except ApiError as error:
            self._last = error
