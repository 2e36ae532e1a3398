"""The service's handler for AWS Lambda, imported as in a new process."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def imported_handler(folder: Path, environment: Mapping[str, str]) -> Iterator[Any]:
    """Import the module of the handler, in an empty folder and with settings in the environment.

    Mangum needs the event loop of the thread that calls the handler.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("LOG_DIR", raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.delitem(sys.modules, "lambda_api.handler", raising=False)
        yield import_module("lambda_api.handler")
        del sys.modules["lambda_api.handler"]
    asyncio.set_event_loop(None)
    loop.close()
