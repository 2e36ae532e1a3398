"""Keep a Lambda instance running until the pictures of a request are stored.

Lambda freezes an instance when the runtime and all extensions are ready for the next event, and
sends the response as soon as the runtime has it. An internal extension, a thread that is registered
with the Extensions API, therefore delays the next event of this instance, but not the response:

- https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
- https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function/
"""

import json
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from threading import Semaphore, Thread
from time import time
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

if TYPE_CHECKING:
    from lambda_api.collection.collector import Collector

_API = "/2020-01-01/extension"
_NAME = "landscape-classifier-collector"
_REGISTER_TIMEOUT_S = 2.0
_MAX_DRAIN_S = 10.0  # the pictures that still wait are stored with the next request
_MARGIN_S = 2.0  # before the timeout of the function, which would end the instance


class PostResponse:
    """An internal extension that waits for a collector after each response.

    Without it (the registration failed), the thread of the collector is frozen after the response
    and goes on with the next request.

    Args:
        api: host and port of the Runtime API, from AWS_LAMBDA_RUNTIME_API.
        collector: stores the pictures.
        logger: logs why the extension does not run.
    """

    def __init__(self, api: str, collector: "Collector", logger: Logger) -> None:
        self._collector, self._logger = collector, logger
        self._handled = Semaphore(0)
        self._api = HTTPConnection(api, timeout=_REGISTER_TIMEOUT_S)
        try:
            self._id = self._register()
        except (OSError, HTTPException) as error:
            self._api.close()
            logger.warning("pictures are stored with the next request", reason=repr(error))
            return
        Thread(target=self._run, name="extension", daemon=True).start()

    def handled(self) -> None:
        """Signal that the handler returns a response. The pictures are stored from now on."""
        self._collector.release()
        self._handled.release()

    def _register(self) -> str:
        body = json.dumps({"events": ["INVOKE"]})
        self._api.request("POST", f"{_API}/register", body, {"Lambda-Extension-Name": _NAME})
        response = self._api.getresponse()
        response.read()
        identifier = response.headers["Lambda-Extension-Identifier"]
        if not identifier:
            raise HTTPException(f"status {response.status}")
        if self._api.sock:
            self._api.sock.settimeout(None)  # the next event may come after hours
        self._api.timeout = None  # of a new connection
        return identifier

    def _run(self) -> None:
        try:
            while True:
                self._wait_for_collector(self._next_deadline())
        except (OSError, HTTPException, ValueError, KeyError) as error:
            self._logger.warning("pictures are stored with the next request", reason=repr(error))

    def _next_deadline(self) -> float:
        """Wait for the next request. Return its deadline in seconds since 1970."""
        self._api.request(
            "GET", f"{_API}/event/next", headers={"Lambda-Extension-Identifier": self._id}
        )
        return float(json.loads(self._api.getresponse().read())["deadlineMs"]) / 1000

    def _wait_for_collector(self, deadline: float) -> None:
        def left() -> float:
            return max(0.0, deadline - _MARGIN_S - time())

        if self._handled.acquire(timeout=left()):
            self._collector.drain(min(_MAX_DRAIN_S, left()))


def post_response(
    api: str | None, collector: "Collector | None", logger: Logger
) -> Callable[[], None]:
    """Start the extension, if there is a Runtime API and pictures are collected.

    Returns:
        Function to call when the handler returns.
    """
    if collector is None:
        return _nothing
    if api is None:
        return collector.release
    return PostResponse(api, collector, logger).handled


def _nothing() -> None:
    """Collect nothing."""
