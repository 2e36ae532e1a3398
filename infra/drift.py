"""Metric math of the dashboard: drift of a day, as in lambda_api/drift/stability.py."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.metrics import DAY, MIN_REQUESTS, SERVICE

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
MAX_LENGTH = 2048  # characters of an expression: enough for fifteen classes
CONFIDENCES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)  # bounds of the bins of the confidence


def class_drift(namespace: str, class_mix: Mapping[str, int]) -> cloudwatch.MathExpression | None:
    """Population stability index of the predicted classes of a day.

    Args:
        namespace: namespace of the service's own metrics.
        class_mix: number of reference pictures by predicted class.

    Returns:
        None if there are too many classes for an expression.
    """
    counts = {
        f"class_{i}": _metric(namespace, "Predictions", "Sum", label=label)
        for i, label in enumerate(class_mix)
    }
    total = cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in counts),
        using_metrics=dict(counts),
        period=DAY,
        label="predictions",
    )
    return _stability(
        "class mix",
        {f"FILL({name}, 0)": count for name, count in zip(counts, class_mix.values(), strict=True)},
        {**counts, "class_total": total},
        "class_total",
    )


def confidence_drift(namespace: str, histogram: Sequence[int]) -> cloudwatch.MathExpression | None:
    """Population stability index of the confidences of a day.

    Args:
        namespace: namespace of the service's own metrics.
        histogram: number of reference pictures by confidence, in bins of equal width, each 0.05 or
            a part of it; empty without a reference.

    Returns:
        None without a reference.
    """
    if not histogram:
        return None
    bounds = [round(edge * len(histogram)) for edge in CONFIDENCES]
    expected = [sum(histogram[lower:upper]) for lower, upper in pairwise(bounds)]
    ranks = {
        f"confidence_{i}": _metric(
            namespace,
            "Confidence",
            f"PR({lower or ''}:{upper if upper < 1 else ''})",
        )
        for i, (lower, upper) in enumerate(pairwise(CONFIDENCES))
    }
    total = "confidence_total"
    return _stability(
        "confidence",
        {
            f"FILL({name}, 0) * {total} / 100": count
            for name, count in zip(ranks, expected, strict=True)
        },
        {**ranks, total: _metric(namespace, "Confidence", "SampleCount")},
        total,
    )


def _stability(
    name: str,
    expected: Mapping[str, int],
    using: Mapping[str, cloudwatch.IMetric],
    total: str,
) -> cloudwatch.MathExpression | None:
    """Index of categories, by the expression of their count; None if it is too long."""
    prior, pictures = 0.5 * len(expected), sum(expected.values())
    terms = []
    for count, reference in expected.items():
        share = (reference + 0.5) / (pictures + prior)
        actual = f"(({count} + 0.5) / ({total} + {prior:g}))"
        terms.append(f"({actual} - {share:.4f}) * LOG({actual} / {share:.4f})")
    expression = f"IF({total} >= {MIN_REQUESTS}, {' + '.join(terms)}, 0)"
    if len(expression) > MAX_LENGTH:
        return None
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics=dict(using),
        period=DAY,
        label=f"{name} of a day, PSI",
    )


def _metric(namespace: str, name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map={"service": SERVICE, **dimensions},
        statistic=statistic,
        period=DAY,
    )
