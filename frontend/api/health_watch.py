"""How the API is, known without making anyone wait for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from time import monotonic

from frontend.api.errors import ApiError
from frontend.api.predictions import Health

FRESH_S = 5.0  # an answer serves every visitor for this long
WAIT_S = 0.4  # what a visitor waits for; an API that is up and near answers within

Found = Health | ApiError


class HealthWatch:
    """Asks for an API's health in a thread of its own; for all visitors of the page together.

    Args:
        ask: asks once, for some seconds at most; raises an `ApiError` where there is no health.
    """

    def __init__(self, ask: Callable[[], Health]) -> None:
        self._ask = ask
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
        self._lock = Lock()
        self._asking: Future[Found] | None = None
        self._asked_at = 0.0
        self._last: Found | None = None

    def latest(self) -> Found | None:
        """What the API last said of itself; None if it has said nothing yet.

        Where that is older than `FRESH_S`, the API is asked again, and given `WAIT_S` to answer.
        """
        with self._lock:
            if self._asking is None or (
                self._asking.done() and monotonic() - self._asked_at > FRESH_S
            ):
                self._asked_at = monotonic()
                self._asking = self._thread.submit(self._found)
            asking = self._asking
        wait([asking], timeout=WAIT_S)
        if asking.done():
            self._last = asking.result()
        return self._last

    def forget(self) -> None:
        """Ask anew next time, however fresh the last answer is."""
        with self._lock:
            self._asked_at = -FRESH_S

    def _found(self) -> Found:
        try:
            return self._ask()
        except ApiError as error:
            return error
