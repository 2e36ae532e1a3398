"""ministack, the emulator of AWS, as a program: `python serve.py SOCKET …`, open sockets by number.

It runs in ministack's own environment.
"""

import asyncio
import signal
import sys

from as_in_aws import mend
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app


async def main(sockets: list[str]) -> None:
    mend()
    config = Config()
    config.bind = [f"fd://{number}" for number in sockets]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(app, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
