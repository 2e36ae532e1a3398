"""Command `drift` of `python -m lambda_api`."""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_api.drift.observed import Observed
    from lambda_api.drift.reference import Reference

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_VARIABLE = "POWERTOOLS_METRICS_NAMESPACE"


def add_commands(commands: Any) -> None:
    """Add `drift` to the subparsers of argparse."""
    parser = commands.add_parser(
        "drift",
        help="compare the predictions of the running service with those of the validation",
        description="Compare predicted classes, confidence and unknown pictures with those of the "
        "validation. Exit code: 0, 3 for a large change, 1 without predictions or if they cannot "
        "be read, 2 for a wrong argument or an unusable bundle.",
    )
    parser.add_argument(
        "--since",
        type=_period,
        default="7d",
        metavar="PERIOD",
        help="period up to now, such as 12h, 7d or 4w (default: %(default)s)",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--namespace",
        default=os.environ.get(_VARIABLE),
        help=f"CloudWatch namespace of the service (default: {_VARIABLE})",
    )
    source.add_argument(
        "--log",
        action="append",
        metavar="FILE",
        help="log file of the service instead of CloudWatch, - for stdin; may be repeated",
    )
    parser.add_argument(
        "--model",
        metavar="BUNDLE",
        help="bundle that served: a folder or s3://… (default: MODEL_URI, or the bundle of this "
        "project)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(command=_drift)


def _period(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([hdw])", text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a period. Use one such as 12h, 7d or 4w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _drift(parsed: argparse.Namespace) -> int:
    from lambda_api.aws import AwsError
    from lambda_api.drift.reference import manifest_at, reference_of
    from lambda_api.drift.report import as_json, comparisons, in_words
    from lambda_api.manifest import BundleError
    from lambda_api.settings import BUNDLED_MODEL

    if not parsed.log and not parsed.namespace:
        return _fail(
            "Pass --namespace, such as LandscapeClassifier/dev, or --log with a log file.", 2
        )
    uri = parsed.model or os.environ.get("MODEL_URI") or str(BUNDLED_MODEL)
    try:
        reference = reference_of(manifest_at(uri))
    except BundleError as error:
        return _fail(f"{uri}: {error}", 2)
    try:
        observed = _observed(parsed, reference)
    except AwsError as error:
        return _fail(
            f"The metrics cannot be read ({error}). Check the region and your AWS credentials.", 1
        )
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}. Pass log files of the service.", 1)
    if not observed.classes:
        place = "the log" if parsed.log else f"the namespace {parsed.namespace}"
        return _fail(f"There are no predictions of this period in {place}.", 1)
    if parsed.json:
        print(json.dumps(as_json(observed, reference), indent=1))
    else:
        print("\n".join(in_words(observed, reference)))
    changes = {found.change for found in comparisons(observed, reference).values()}
    return 3 if "large" in changes else 0


def _observed(parsed: argparse.Namespace, reference: "Reference") -> "Observed":
    now = datetime.now(UTC)
    if parsed.log:
        from lambda_api.drift.logs import read_lines

        return read_lines(_lines(parsed.log), now - parsed.since, reference.edges)
    from lambda_api.drift.cloudwatch import read_metrics

    classes = list(reference.classes)
    return read_metrics(parsed.namespace, classes, now - parsed.since, now, reference.edges)


def _lines(files: list[str]) -> Iterator[str]:
    for file in files:
        if file == "-":
            yield from sys.stdin
        else:
            with Path(file).open(encoding="utf-8", errors="replace") as lines:
                yield from lines


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code
