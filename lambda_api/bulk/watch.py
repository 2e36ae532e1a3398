"""Live progress of a run in AWS."""

import sys
import time
from typing import Any

from lambda_api import aws
from lambda_api.bulk.cost import Rates
from lambda_api.bulk.runs import Counts, Run

POLL_S = 2


def watch(run: Run, arn: str, rates: Rates) -> bool:
    """Print the progress to stderr until the execution `arn` of a run ends.

    Returns:
        Whether it succeeded. The cause of a failure is printed.
    """
    begun = time.monotonic()
    before: Counts | None = None
    while True:
        execution = aws.client("stepfunctions").describe_execution(executionArn=arn)
        settings = run.read_settings()
        if settings:
            counts = run.read_counts()
            before = before or counts
            rate = (counts.pictures - before.pictures) / max(time.monotonic() - begun, 1)
            _show(_progress(execution["status"], settings, counts, rate, rates))
        else:
            _show(f"{execution['status']}: listing the objects")
        if execution["status"] != "RUNNING":
            break
        time.sleep(POLL_S)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if execution["status"] != "SUCCEEDED":
        details = ": ".join(filter(None, [execution.get("error"), execution.get("cause")]))
        print(f"error: {execution['status']}: {details}", file=sys.stderr)
    return bool(execution["status"] == "SUCCEEDED")


def _progress(
    status: str, settings: dict[str, Any], counts: Counts, rate: float, rates: Rates
) -> str:
    dollars = rates.cost(counts.paid_pictures, counts.invocations, counts.seconds)
    left = max(settings["pictures"] - counts.pictures, 0)
    remaining = f", {left / rate / 60:,.0f} min left" if rate and left else ""
    return (
        f"{status}: {counts.pictures:,} of {settings['pictures']:,} pictures, "
        f"{counts.failed:,} failed, {rate:,.0f} pictures/s{remaining}, ${dollars:,.4f}"
    )


def _show(line: str) -> None:
    """Print a line. On a terminal, it replaces the line before."""
    if sys.stderr.isatty():
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)
