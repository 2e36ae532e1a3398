"""Serve ministack, the AWS emulator: `python serve.py SOCKET …`.

SOCKET is the file descriptor of a listening socket. Runs in the environment of ministack.
"""

import asyncio
import signal
import sys

from as_in_aws import patch_ministack
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app


async def main(sockets: list[str]) -> None:
    patch_ministack()
    config = Config()
    config.bind = [f"fd://{number}" for number in sockets]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(app, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
