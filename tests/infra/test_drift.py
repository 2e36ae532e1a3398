"""Drift on the dashboard: the formulas, evaluated as CloudWatch does."""

import json
import math
from pathlib import Path

import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.bundle import check_bundle
from infra.drift import CONFIDENCES, MAX_LENGTH, class_drift, confidence_drift
from lambda_api.drift.reference import EDGES, manifest_at, reference_of
from lambda_api.drift.stability import compare
from tests.infra.conftest import Assembly
from tests.infra.templates import properties

MIX = {"forest": 200, "sea": 300, "street": 500}
HISTOGRAM = [0] * 8 + [5, 5, 10, 10, 20, 20, 40, 40, 50, 100, 200, 500]


def evaluate(drift: cloudwatch.MathExpression, **values: float) -> float:
    functions = {
        "IF": lambda condition, yes, no: yes if condition else no,
        "FILL": lambda value, _: value,
        "LOG": math.log,
    }
    return eval(drift.expression, {"__builtins__": {}}, {**functions, **values})  # noqa: S307


@pytest.mark.parametrize("counts", [[20, 30, 50], [100, 0, 0], [40, 30, 30], [7, 7, 6]])
def test_class_drift_is_that_of_the_command(counts: list[int]) -> None:
    drift = class_drift("Scenes", MIX)
    assert drift is not None

    values = {f"class_{i}": count for i, count in enumerate(counts)}
    found = evaluate(drift, **values, class_total=sum(counts))

    assert found == pytest.approx(compare(counts, list(MIX.values())).index, abs=1e-3)
    assert (
        [
            metric.to_metric_config().metric_stat.dimensions[0].value  # sorted by name
            for metric in list(drift.using_metrics.values())[:3]
        ]
        == list(MIX)
    )


@pytest.mark.parametrize("percents", [[5, 10, 10, 15, 20, 40], [50, 10, 10, 10, 10, 10]])
def test_confidence_drift_is_that_of_the_command(percents: list[int]) -> None:
    drift = confidence_drift("Scenes", HISTOGRAM)
    assert drift is not None
    expected = [10, 60, 80, 150, 200, 500]  # by hand, between the bounds

    values = {f"confidence_{i}": percent for i, percent in enumerate(percents)}
    found = evaluate(drift, **values, confidence_total=200)

    assert CONFIDENCES == EDGES
    assert found == pytest.approx(compare([2 * p for p in percents], expected).index, rel=2e-3)
    statistics = [
        metric.to_metric_config().metric_stat.statistic
        for name, metric in drift.using_metrics.items()
        if name != "confidence_total"
    ]
    assert (statistics[0], statistics[-1]) == ("PR(:0.5)", "PR(0.95:)")


def test_few_predictions_and_missing_references_show_nothing() -> None:
    drift = class_drift("Scenes", MIX)
    assert drift is not None
    assert evaluate(drift, class_0=19, class_1=0, class_2=0, class_total=19) == 0
    assert confidence_drift("Scenes", ()) is None


@pytest.mark.parametrize(("classes", "fits"), [(15, True), (40, False)])
def test_expressions_have_at_most_the_length_that_cloudwatch_allows(
    classes: int, fits: bool
) -> None:
    drift = class_drift("Scenes", {f"class {i}": 100 for i in range(classes)})

    assert (drift is not None) is fits
    assert drift is None or len(drift.expression) <= MAX_LENGTH


def test_dashboard_compares_with_the_reference_of_the_bundle(
    default: Assembly, bundle: Path
) -> None:
    (board,) = properties(default.service, "AWS::CloudWatch::Dashboard")
    body = "".join(
        part if isinstance(part, str) else "x" for part in board["DashboardBody"]["Fn::Join"][1]
    )
    graphs = {
        widget["properties"].get("title"): widget["properties"]
        for widget in json.loads(body)["widgets"]
    }
    reference = reference_of(manifest_at(str(bundle)))

    metrics = graphs["Drift (PSI): below 0.1 small, above 0.25 large"]["metrics"]
    labels = {metric[metric.index("label") + 1] for metric in metrics if "label" in metric}
    assert labels == set(reference.classes)
    assert check_bundle(bundle).class_mix == reference.classes
    validation = manifest_at(str(bundle)).validation
    assert validation is not None
    assert check_bundle(bundle).confidences == validation.confidence_histogram
