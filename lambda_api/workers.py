"""Run CPU-bound work off the event loop."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")

# Processors that this process may use. A container or `taskset` may allow fewer than there are.
PROCESSORS = (
    len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
)


class Run(Protocol):
    """Call `function(*arguments)` somewhere, and return or raise its outcome."""

    def __call__(self, function: Callable[..., T], *arguments: object) -> Awaitable[T]: ...


async def inline(function: Callable[..., T], *arguments: object) -> T:
    """Run it inline, as `Run`.

    A Lambda instance handles one request at a time, so a thread would only add overhead.
    """
    return function(*arguments)


class ThreadPool:
    """One thread per processor. Each may use the setting `max_decoded_bytes` of memory."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(PROCESSORS, thread_name_prefix="worker")

    async def __call__(self, function: Callable[..., T], *arguments: object) -> T:
        """Run it in the pool, as `Run`. After a cancellation, the result is discarded."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)
