"""The log: one JSON object per line on stdout, and optionally in a dated file."""

import logging
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from aws_lambda_powertools import Logger

from lambda_api.json_output import to_line

SERVICE = "landscape-classifier"

# Information that logging would collect for every line, and that no line contains:
# https://docs.python.org/3/howto/logging.html#optimization
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
if sys.version_info >= (3, 12):
    logging.logAsyncioTasks = False  # type: ignore[attr-defined] # missing in typeshed


class DatedFile(logging.Handler):
    """Append each record to `folder/YYYY-MM-DD.log`, by the UTC date of the record."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        path = self.folder / f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d}.log"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - a logging error must not fail a request
            self.handleError(record)


@cache  # Powertools keeps one logger per service: add its handlers once
def configured_logger(folder: Path | None) -> Logger:
    """Return the service's logger. Never log events, bodies, credentials or headers.

    Args:
        folder: for `DatedFile`; None logs to stdout only.
    """
    logger = Logger(
        service=SERVICE,
        utc=True,
        log_record_order=["timestamp", "level", "message"],
        json_serializer=to_line,
        json_deserializer=str,  # messages are plain text, not JSON
    )
    if folder is not None:
        file = DatedFile(folder)
        file.setFormatter(logger.registered_formatter)
        logger.addHandler(file)
    return logger
