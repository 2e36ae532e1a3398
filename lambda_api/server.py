"""The command `serve`: run the service under uvicorn on all processors."""

import argparse
import logging
import os
import signal
import sys
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TYPE_CHECKING, Any

from lambda_api.arguments import positive
from lambda_api.workers import PROCESSORS

if TYPE_CHECKING:
    from fastapi import FastAPI


# Longer than load balancers (60 s on AWS) and clients keep idle connections. If the server closed a
# connection first, a request that is under way would be lost.
_KEEP_ALIVE_S = 75


def add_commands(commands: Any) -> None:
    """Add `serve` to the subparsers of argparse."""
    parser = commands.add_parser(
        "serve",
        help="run the service",
        description="Run the service under uvicorn, with the settings of the environment or .env. "
        "Each worker is a process with its own model, about 100 MB.",
    )
    parser.set_defaults(command=_serve)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s; 0: any")
    parser.add_argument(
        "--workers",
        type=positive,
        default=PROCESSORS,
        help="number of processes (default: one per processor, here %(default)s)",
    )


def _serve(arguments: argparse.Namespace) -> int:
    """Run until a signal. Returns the exit code: 0, or 2 for invalid settings."""
    import uvicorn

    from lambda_api.log import configured_logger
    from lambda_api.settings import SettingsError, load_settings

    try:
        configured_logger(load_settings().log_dir)
    except (OSError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    uvicorn.run(
        "lambda_api.server:application",
        factory=True,
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        # asyncio's own loop delays responses in worker processes, see `web.event_loop`.
        loop="uvloop",
        http="httptools",
        # uvicorn's access log would contain query strings; the service writes its own log.
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        server_header=False,
    )
    return 0


def application() -> "FastAPI":
    """Build the application of a worker. An error ends all workers instead of a restart."""
    from lambda_api import startup  # before the libraries that it sets up

    if parent := parent_process():
        Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        from lambda_api.app import create_app

        app = create_app()
    except Exception:  # uvicorn would start the worker again, without end
        from uvicorn.config import STARTUP_FAILURE

        logging.getLogger("uvicorn.error").exception("The service cannot start.")
        sys.exit(STARTUP_FAILURE)
    startup.complete()
    return app


def _end_with(parent: BaseProcess) -> None:
    """End this process when its parent has ended, even if it was killed."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
