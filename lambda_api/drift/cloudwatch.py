"""Read predictions from the metrics of the service in CloudWatch."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from lambda_api import aws
from lambda_api.drift.observed import Observed
from lambda_api.log import SERVICE

_HOUR = 3600  # seconds; metrics of an hour are kept for 15 months
_MAX_QUERIES = 500  # in one call of GetMetricData


def read_metrics(
    namespace: str,
    classes: Sequence[str],
    since: datetime,
    until: datetime,
    edges: Sequence[float],
) -> Observed:
    """Read the metrics of a period.

    Args:
        namespace: CloudWatch namespace of the service.
        classes: labels to read.
        since: begin of the period, with a time zone; rounded down to an hour.
        until: its end.
        edges: bounds of the bins of the confidence.

    Raises:
        AwsError: CloudWatch cannot be read.
    """
    bins = [_rank(*bounds, edges) for bounds in pairwise(edges)]
    queries = [
        *(
            _query(namespace, "Confidence", statistic)
            for statistic in ("SampleCount", "Sum", *bins)
        ),
        _query(namespace, "UnknownPictures", "Sum"),
        *(_query(namespace, "Predictions", "Sum", label=label) for label in classes),
    ]
    since = since.replace(minute=0, second=0, microsecond=0)
    values: list[dict[datetime, float]] = []
    for first in range(0, len(queries), _MAX_QUERIES):
        values += _values(queries[first : first + _MAX_QUERIES], since, until)
    counts, sums, *others = values
    ranks, unknown, by_class = others[: len(bins)], others[len(bins)], others[len(bins) + 1 :]
    totals = (round(sum(of_label.values())) for of_label in by_class)
    return Observed(
        classes=Counter(
            {label: total for label, total in zip(classes, totals, strict=True) if total}
        ),
        confidences=[
            sum(counts.get(hour, 0) * percent / 100 for hour, percent in rank.items())
            for rank in ranks
        ],
        measured=sum(counts.values()),
        confidence_sum=sum(sums.values()),
        unknown=round(sum(unknown.values())),
    )


def _rank(lower: float, upper: float, edges: Sequence[float]) -> str:
    """Return the statistic for the percentage of values above `lower` and up to `upper`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
    """
    first = "" if lower == edges[0] else f"{lower:g}"
    last = "" if upper == edges[-1] else f"{upper:g}"
    return f"PR({first}:{last})"


def _query(namespace: str, name: str, statistic: str, **dimensions: str) -> dict[str, Any]:
    dimensions["service"] = SERVICE
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"MetricStat": {"Metric": metric, "Period": _HOUR, "Stat": statistic}}


def _values(
    queries: Sequence[dict[str, Any]], since: datetime, until: datetime
) -> list[dict[datetime, float]]:
    """Return the values of each query by hour. Raises `AwsError`."""
    values: list[dict[datetime, float]] = [{} for _ in queries]
    with aws.translate_errors():
        pages = aws.client("cloudwatch").get_paginator("get_metric_data")
        for page in pages.paginate(
            MetricDataQueries=[{"Id": f"q{i}", **query} for i, query in enumerate(queries)],
            StartTime=since,
            EndTime=until,
        ):
            for result in page["MetricDataResults"]:
                hours = zip(result["Timestamps"], result["Values"], strict=True)
                values[int(result["Id"][1:])].update(hours)
    return values
