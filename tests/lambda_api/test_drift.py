"""Drift: the index, both sources, the report, and the command."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from fastapi.testclient import TestClient
from scipy.stats import chi2

from lambda_api import aws
from lambda_api.__main__ import main
from lambda_api.app import create_app
from lambda_api.drift.cloudwatch import read_metrics
from lambda_api.drift.logs import read_lines
from lambda_api.drift.observed import Observed
from lambda_api.drift.reference import Reference, manifest_at, reference_of
from lambda_api.drift.report import comparisons, in_words
from lambda_api.drift.stability import compare
from lambda_api.loaded_model import LoadedModel
from lambda_api.profile import Validation
from lambda_api.settings import Settings

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
EDGES = (0.0, 0.5, 0.9, 1.0)
REFERENCE = Reference(
    model="scenes 000000000000",
    part="validation",
    classes={"forest": 500, "sea": 500},
    edges=EDGES,
    confidences=(50, 150, 800),
    unknown=20,
)


def test_index_is_that_of_a_worked_example() -> None:
    # (0.6 - 0.5) * ln(0.6 / 0.5) + (0.4 - 0.5) * ln(0.4 / 0.5); many, so that the prior is small
    found = compare([600_000, 400_000], [500_000, 500_000])

    assert found.index == pytest.approx(0.040547, abs=1e-6)
    assert found.change == "small"


@pytest.mark.parametrize("categories", [2, 6, 10, 1000])
def test_limit_of_chance_is_the_quantile_of_chi_square(categories: int) -> None:
    found = compare([100] * categories, [50] * categories)

    exact = chi2.ppf(0.99, categories - 1) * (0.01 + 0.02) / categories
    assert found.chance == pytest.approx(exact, rel=0.01)
    assert found.index == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("actual", "change"),
    [
        ([7, 3], "none"),  # of ten pictures, chance explains it
        ([540, 460], "none"),
        ([620, 380], "small"),
        ([700, 300], "moderate"),
        ([900, 100], "large"),
        ([1000, 0], "large"),
    ],
)
def test_changes_are_named_by_their_size(actual: list[int], change: str) -> None:
    assert compare(actual, [500, 500]).change == change


def test_log_lines_are_counted_in_the_period(
    settings: Settings,
    loaded_model: LoadedModel,
    credentials: tuple[str, str],
    photo: bytes,
    tmp_path: Path,
) -> None:
    """The service writes the lines itself; between them are lines of others."""
    app = create_app(settings.model_copy(update={"log_dir": tmp_path}), loaded_model=loaded_model)
    client = TestClient(app)
    client.auth = credentials
    single = [client.post("/predict", content=photo).json() for _ in range(2)]
    client.post("/predict/batch", files=[("file", photo), ("file", photo), ("file", b"x")])
    client.get("/health")
    (file,) = tmp_path.iterdir()
    lines = [*file.read_text().splitlines(), "INFO: uvicorn", "{}", '{"message": "request"}', "3"]

    found = read_lines(lines, datetime.now(UTC) - WEEK, EDGES)
    later = read_lines(lines, datetime.now(UTC) + timedelta(minutes=1), EDGES)

    assert found.classes == {single[0]["label"]: 4}
    assert found.measured == sum(found.confidences) == 2
    assert found.confidence_sum == pytest.approx(2 * single[0]["confidence"], abs=1e-3)
    assert later == Observed()


def test_confidences_are_counted_without_the_lower_bound_and_with_the_upper() -> None:
    observed = Observed()
    for confidence in (0.0, 0.2, 0.5, 0.51, 0.9, 1.0):
        observed.add_confidence(confidence, EDGES)

    assert observed.confidences == [3, 2, 1]


def test_metrics_are_read_by_hour_from_stand_in_cloudwatch(
    aws_client: Callable[[str], Any],
) -> None:
    """Moto has no percentile ranks; a stand-in returns them, and checks the requests."""
    hours = [NOW.replace(minute=0) - timedelta(hours=hour) for hour in (2, 1)]
    values = [
        ("Confidence", "SampleCount", [10, 30]),
        ("Confidence", "Sum", [8.0, 27.0]),
        ("Confidence", "PR(:0.5)", [20.0, 0.0]),
        ("Confidence", "PR(0.5:0.9)", [30.0, 10.0]),
        ("Confidence", "PR(0.9:)", [50.0, 90.0]),
        ("UnknownPictures", "Sum", [1, 2]),
        ("Predictions", "Sum", [4, 6]),
        ("Predictions", "Sum", []),
    ]
    queries = []
    for i, (name, statistic, _) in enumerate(values):
        dimensions = [{"Name": "service", "Value": "landscape-classifier"}]
        if name == "Predictions":
            dimensions.insert(0, {"Name": "label", "Value": ["sea", "forest"][i - 6]})
        metric = {"Namespace": "Scenes", "MetricName": name, "Dimensions": dimensions}
        stat = {"Metric": metric, "Period": 3600, "Stat": statistic}
        queries.append({"Id": f"q{i}", "MetricStat": stat})
    results = [
        {"Id": f"q{i}", "Timestamps": hours[: len(numbers)], "Values": numbers}
        for i, (_, _, numbers) in enumerate(values)
    ]
    with Stubber(aws.client("cloudwatch")) as stand_in:
        stand_in.add_response(
            "get_metric_data",
            {"MetricDataResults": results},
            {
                "MetricDataQueries": queries,
                "StartTime": NOW.replace(minute=0) - WEEK,
                "EndTime": NOW,
            },
        )
        found = read_metrics("Scenes", ["sea", "forest"], NOW - WEEK, NOW, EDGES)

    assert found == Observed(Counter(sea=10), [2.0, 6.0, 32.0], 40, 35.0, 3)


def test_pictures_like_those_of_the_validation_show_no_change() -> None:
    observed = Observed(Counter(sea=52, forest=48), [4, 16, 80], 100, 91.0, 3)

    text = "\n".join(in_words(observed, REFERENCE))

    assert {found.change for found in comparisons(observed, REFERENCE).values()} == {"none"}
    assert "100 predictions, compared with 1,000 validation pictures" in text
    assert text.count("no change beyond chance") == 3


def test_each_kind_of_drift_is_reported() -> None:
    observed = Observed(Counter(sea=950, forest=50), [400, 400, 200], 1000, 600.0, 400)

    text = "\n".join(in_words(observed, REFERENCE))

    assert {found.change for found in comparisons(observed, REFERENCE).values()} == {"large"}
    assert "sea                   95.0%  (50.0%)" in text
    assert "0.90 to 1.00          20.0%  (80.0%)" in text
    assert "40.0%  (2.0%)" in text
    assert "mean 0.600" in text


def test_other_labels_are_reported() -> None:
    observed = Observed(Counter(sea=5, desert=5))

    text = "\n".join(in_words(observed, REFERENCE))

    assert "Other labels: desert. Another model served in this period." in text
    assert "sea                  100.0%" in text


def line(label: str, confidence: float) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S,000+0000")
    record = {"timestamp": now, "message": "request", "label": label, "confidence": confidence}
    return json.dumps(record)


def test_command_reads_a_log_in_words(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "service.log"
    log.write_text("\n".join(line("sea", 0.9) for _ in range(50)))

    code = main(["drift", "--log", str(log), "--model", str(bundle), "--since", "1d"])
    text = capsys.readouterr().out
    assert main(["drift", "--log", str(log), "--model", str(bundle), "--json"]) == code == 3
    document = json.loads(capsys.readouterr().out)

    assert "Classes: large change (PSI " in text
    assert document["comparisons"]["classes"]["change"] == "large"
    if reference_of(manifest_at(str(bundle))).confidences:
        assert "Confidence: " in text
    else:
        assert "Confidence: The bundle has no reference for it" in text


def test_command_reads_the_metrics_of_the_service_from_an_emulated_cloudwatch(
    aws_client: Callable[[str], Any],
    make_bundle: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = make_bundle(validation=None)  # the emulator has no statistic for the confidences
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    mix = reference_of(manifest_at(str(bundle))).classes
    dimensions = [{"Name": "service", "Value": "landscape-classifier"}]
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    data = [
        {
            "MetricName": "Predictions",
            "Dimensions": [{"Name": "label", "Value": label}, *dimensions],
            "Value": count,
            "Timestamp": hour_ago,
        }
        for label, count in mix.items()
    ]
    confidence = {"MetricName": "Confidence", "Dimensions": dimensions, "Value": 0.75}
    data.append({**confidence, "Timestamp": hour_ago})
    aws_client("cloudwatch").put_metric_data(Namespace="Scenes", MetricData=data)

    code = main(["drift", "--namespace", "Scenes", "--model", str(bundle), "--since", "12h"])

    text = capsys.readouterr().out
    assert f"{sum(mix.values()):,} predictions" in text
    assert "Classes: no change beyond chance (PSI 0.000" in text
    assert "mean 0.750" in text
    assert code == 0


@pytest.mark.parametrize("unknown", [0.02, None])
def test_validation_of_the_manifest_is_the_reference(bundle: Path, unknown: float | None) -> None:
    manifest = manifest_at(str(bundle))
    counts = dict.fromkeys(manifest.classes[:-1], 100)
    validation = Validation(
        pictures=500,
        predicted=counts,
        confidence_histogram=[0] * 9 + [10, 10, 10, 10, 10, 50, 50, 50, 50, 100, 150],
        unknown=unknown,
        reliability=(),
        coverage=(),
    )

    found = reference_of(manifest.model_copy(update={"validation": validation}))
    text = "\n".join(in_words(Observed(Counter(sea=2), [0, 0, 0, 0, 0, 2], 2, 2.0), found))

    assert found.part == "validation"
    assert found.classes == {**counts, manifest.classes[-1]: 0}
    assert found.confidences == (10, 40, 100, 100, 100, 150)
    assert found.unknown == (None if unknown is None else 10)
    assert ("does not recognize unknown pictures" in text) is (unknown is None)
    assert "no reference" not in text


def test_promoted_bundle_is_the_reference(
    aws_client: Callable[[str], Any], bucket: str, bundle: Path
) -> None:
    s3 = aws_client("s3")
    version = json.loads((bundle / "manifest.json").read_text())["version"]
    current = json.dumps({"version": version}).encode()
    s3.put_object(Bucket=bucket, Key="models/scenes/current", Body=current)
    key = f"models/scenes/{version}/manifest.json"
    s3.put_object(Bucket=bucket, Key=key, Body=(bundle / "manifest.json").read_bytes())

    assert manifest_at(f"s3://{bucket}/models/scenes/current").version == version
    assert manifest_at(f"s3://{bucket}/models/scenes/{version}/").version == version


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--since", "7"], 2, "'7' is not a period. Use one such as 12h, 7d or 4w"),
        (["--since", "0d"], 2, "'0d' is not a period"),
        ([], 2, "Pass --namespace, such as LandscapeClassifier/dev, or --log"),
        (["--log", "x", "--model", "nowhere"], 2, "nowhere: No bundle found"),
        (["--log", "nowhere.log"], 1, "nowhere.log: No such file or directory"),
        (["--log", "/dev/null"], 1, "There are no predictions of this period in the log"),
    ],
)
def test_errors_of_the_command_are_clear(
    arguments: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)
    monkeypatch.chdir(tmp_path)

    try:
        found = main(["drift", *arguments])
    except SystemExit as error:  # of argparse
        found = error.code

    assert found == code
    assert message in capsys.readouterr().err


def test_metrics_of_a_period_without_predictions(
    aws_client: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws_client("cloudwatch").list_metrics()["Metrics"] == []

    assert main(["drift", "--namespace", "Other"]) == 1
    assert "no predictions of this period in the namespace Other" in capsys.readouterr().err
