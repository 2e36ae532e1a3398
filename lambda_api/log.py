"""The log: one JSON object a line on stdout, and in a dated file where a folder is given."""

import logging
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from aws_lambda_powertools import Logger

from lambda_api.json_output import to_line

SERVICE = "landscape-classifier"

if sys.version_info >= (3, 12):
    logging.logAsyncioTasks = False  # it would put the name of an event loop's task on every line


class DatedFile(logging.Handler):
    """Appends each record to `folder/YYYY-MM-DD.log`, the UTC date of the record."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        path = self.folder / f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d}.log"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - as all handlers do: no request fails for its log
            self.handleError(record)


@cache  # Powertools keeps one logger a service: its handlers must be added once
def configured_logger(folder: Path | None) -> Logger:
    """The service's logger. Event, body, credentials and headers are never given to it."""
    logger = Logger(
        service=SERVICE,
        utc=True,
        log_record_order=["timestamp", "level", "message"],
        json_serializer=to_line,
        json_deserializer=str,  # no message is a document
    )
    if folder is not None:
        file = DatedFile(folder)
        file.setFormatter(logger.registered_formatter)
        logger.addHandler(file)
    return logger
