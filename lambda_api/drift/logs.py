"""Read predictions from log lines of the service."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from lambda_api.drift.observed import Observed

_TIME_FORMAT = "%Y-%m-%d %H:%M:%S,%f%z"


def read_lines(lines: Iterable[str], since: datetime, edges: Sequence[float]) -> Observed:
    """Count the predictions in log lines. Other lines are skipped.

    Lines of batches have the labels, but not the confidence of each picture.

    Args:
        lines: stdout of the service, or its log files.
        since: begin of the period, with a time zone.
        edges: bounds of the bins of the confidence.
    """
    observed = Observed()
    for line in lines:
        try:
            record = json.loads(line)
            if record["message"] == "request" and _time(record["timestamp"]) >= since:
                _count(record, observed, edges)
        except (ValueError, KeyError, TypeError):
            continue
    return observed


def _count(record: dict[str, Any], observed: Observed, edges: Sequence[float]) -> None:
    if "labels" in record:
        observed.classes.update(record["labels"])
    elif "label" in record:
        observed.add_confidence(record["confidence"], edges)
        observed.classes[record["label"]] += 1
        observed.unknown += record.get("known") is False


def _time(timestamp: str) -> datetime:
    return datetime.strptime(timestamp, _TIME_FORMAT).astimezone()
