"""Where what computes is run, so that the event loop can go on meanwhile."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """Calls `function(*arguments)` somewhere, and returns or raises what it does."""

    def __call__(self, function: Callable[..., T], *arguments: object) -> Awaitable[T]: ...


async def inline(function: Callable[..., T], *arguments: object) -> T:
    """Here and now: for Lambda, where there is one request at a time and nothing to go on with.

    A thread of its own costs a tenth of a classification, more on a busy machine.
    """
    return function(*arguments)


class Workers:
    """A pool of as many threads as there are processors: each may hold 40 decoded megapixels."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="worker")

    async def __call__(self, function: Callable[..., T], *arguments: object) -> T:
        """As `Run`. If it is cancelled, the function goes on to its end for nobody."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)
