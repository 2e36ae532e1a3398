"""Write pictures and answers to a store, in a background thread."""

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic, sleep

from aws_lambda_powertools import Logger

from lambda_api.collection.records import PICTURES, Answer, answer_name
from lambda_api.collection.store import Store, StoreError

# Limits of the pictures that wait. One upload of 25 MB fits.
MAX_WAITING, MAX_WAITING_BYTES = 64, 32_000_000
LEAD_S = 0.01  # after `release`; the runtime of Lambda sends the response meanwhile
PAUSE_S = 60.0  # after a failed write, so that a store that is down costs no time


class Collector:
    """A queue of pictures, and the thread that writes them.

    `offer` never blocks and never raises. A picture that cannot be written is dropped with a
    warning in the log and a count in the metrics.

    Args:
        store: place to write to.
        logger: logs failed writes.
        count_error: called for each picture that was dropped.
        hold: write a picture only after `release`. On a single processor, writing would delay the
            response to the request.
    """

    def __init__(
        self, store: Store, logger: Logger, count_error: Callable[[], None], *, hold: bool = False
    ) -> None:
        self._store, self._logger, self._count_error = store, logger, count_error
        self._waiting: deque[tuple[bytes, Callable[[], Answer]]] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._thread: Thread | None = None
        self._paused_until = 0.0
        self._hold, self._held, self._released = hold, False, False

    def offer(self, data: bytes, make: Callable[[], Answer]) -> None:
        """Queue a picture.

        Args:
            data: the picture, whose bytes count for the limits.
            make: returns the record; called in the thread, because it computes a hash.
        """
        with self._changed:
            full = len(self._waiting) >= MAX_WAITING or self._bytes + len(data) > MAX_WAITING_BYTES
            if not full:
                self._waiting.append((data, make))
                self._bytes += len(data)
                self._held = self._hold
                if self._thread is None:
                    self._thread = Thread(target=self._work, name="collector", daemon=True)
                    self._thread.start()
                self._changed.notify_all()
        if full:
            self._drop("too many pictures are waiting")

    def release(self) -> None:
        """Write what waits, `LEAD_S` from now: the response is ready."""
        with self._changed:
            self._held, self._released = False, self._held
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until the queue is empty. Returns False if that takes longer than `seconds`."""
        self.release()
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting and not self._held)
                data, make = self._waiting[0]
                lead, self._released = self._released, False
            if lead:
                sleep(LEAD_S)
            self._write(data, make)
            with self._changed:
                self._waiting.popleft()
                self._bytes -= len(data)
                self._changed.notify_all()

    def _write(self, data: bytes, make: Callable[[], Answer]) -> None:
        if monotonic() < self._paused_until:
            self._count_error()
            return
        try:
            record = make()
            # The record last: a crash in between leaves a picture, not a record without one.
            self._store.write(PICTURES + record.picture, data)
            self._store.write(answer_name(record), record.model_dump_json().encode())
        except StoreError as error:
            self._paused_until = monotonic() + PAUSE_S
            self._drop(f"{error}. Nothing is collected for {PAUSE_S:g} s")
        except Exception:
            self._logger.exception("picture not collected")
            self._count_error()

    def _drop(self, reason: str) -> None:
        self._logger.warning("picture not collected", reason=reason)
        self._count_error()
