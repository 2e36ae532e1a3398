"""Check of the event loop in worker processes."""

import asyncio
from multiprocessing import parent_process


def check_event_loop() -> None:
    """Refuse asyncio's own event loop in a worker process of uvicorn.

    The parent process binds the socket without a protocol number. asyncio then leaves Nagle's
    algorithm on, and a client waits 40 ms longer for each response. uvloop is not affected.

    Raises:
        RuntimeError: names a command that starts the service correctly.
    """
    loop = asyncio.get_running_loop()
    if parent_process() is not None and not type(loop).__module__.startswith("uvloop"):
        raise RuntimeError(
            "uvicorn runs asyncio's event loop in a worker process, which delays each response by "
            "40 ms. Start the service with `python -m lambda_api serve`, or install uvloop and "
            "leave out --loop."
        )
