"""`python -m infra cost`: its arithmetic, its table, its page."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.cost.estimate import METRICS, Load, compute_seconds, fargate, function, sagemaker
from infra.cost.latency import RESULTS, Latency, read_latency
from infra.cost.prices import Table, read_table
from lambda_api.classifier import Prediction
from lambda_api.manifest import read_bundle
from lambda_api.metrics import RequestMetrics
from tests.infra.conftest import ROOT

LATENCY = Latency(request_ms=5.4, init_ms=500)
LOAD = Load(requests=1e6, picture_kb=8, memory_mb=1769, cold_percent=0)


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table()


def cost(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra", "cost", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_compute_is_billed_by_whole_milliseconds_and_memory(table: Table) -> None:
    prices = table.of("us-east-1")
    items = function(LOAD, LATENCY, prices)

    # By hand: 1e6 requests of 6 ms, 1769/1024 GB, 0.0000166667 dollars a GB-second.
    assert items["Lambda, compute"] == pytest.approx(0.17276, rel=1e-3)
    assert items["Lambda, requests"] == pytest.approx(0.20)
    assert items["HTTP API"] == pytest.approx(1.00)


def test_half_a_processor_takes_twice_as_long_and_more_than_one_is_no_faster() -> None:
    assert LATENCY.request(1769, 8) == pytest.approx(5.4)
    assert LATENCY.request(1769 // 2, 8) == pytest.approx(10.8, rel=1e-2)
    assert LATENCY.request(3538, 8) == pytest.approx(5.4)
    assert LATENCY.request(1769, 1008) == pytest.approx(5.4 + 15)


def test_cold_starts_are_billed_too() -> None:
    warm, cold = (
        compute_seconds(replace(LOAD, cold_percent=percent), LATENCY, 1769) for percent in (0, 2)
    )

    assert warm == pytest.approx(6000)
    assert cold - warm == pytest.approx(1e6 * 0.02 * 0.5)


def test_the_gateway_counts_every_512_kilobytes(table: Table) -> None:
    prices = table.of("eu-central-1")
    small, large = (
        function(replace(LOAD, picture_kb=kb), LATENCY, prices)["HTTP API"] for kb in (30, 1500)
    )

    assert large == pytest.approx(3 * small)


def test_a_task_costs_the_same_without_requests_and_more_are_added_for_many(table: Table) -> None:
    prices = table.of("us-east-1")
    idle = fargate(replace(LOAD, requests=0), LATENCY, prices)
    busy = fargate(replace(LOAD, requests=1e9), LATENCY, prices)

    # By hand: 730 hours of 0.04048 + 2 * 0.004445.
    assert idle["tasks, 1"] == pytest.approx(36.04, abs=0.01)
    # By hand: 3,805 requests a second at the peak, 20.5 processors, 29.4 of tasks 70 % busy.
    assert "tasks, 30" in busy


def test_nothing_is_paid_for_computing_while_nobody_asks(table: Table) -> None:
    prices = table.of("eu-central-1")
    nobody = replace(LOAD, requests=0, cold_percent=1)

    assert sum(sagemaker(nobody, LATENCY, prices).values()) == 0
    assert sum(function(nobody, LATENCY, prices).values()) < 1


def test_all_metrics_that_the_service_can_write_are_counted(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = [
        Prediction(((label, 0.5),), confident=False, picture=None, decode_ms=1, inference_ms=1)
        for label in read_bundle(bundle)[0].classes
    ]
    metrics = RequestMetrics("Scenes")
    for status, login in [(200, None), (401, "failed"), (401, "slowed"), (500, None)]:
        metrics.write(
            status=status, duration_ms=1, predictions=predictions, login=login, cold_start_load_ms=1
        )

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    written = {
        (metric["Name"], line.get("label"))
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert len(written) == METRICS


def test_every_price_has_a_source_and_the_table_a_date(table: Table) -> None:
    assert all(source.startswith("https://aws.amazon.com/") for source in table.sources.values())
    assert len(table.as_of) == len("2026-11-23")
    for region in table.regions:
        table.of(region)


def test_times_are_those_of_the_benchmark() -> None:
    measured = json.loads(RESULTS.read_text())

    assert read_latency().request_ms == measured["warm"]["ms"]["handler_form"]["p50"]


def test_the_page_is_what_the_command_says() -> None:
    """`make cost` writes it: after new prices, and after `make bench`."""
    assert (ROOT / "docs" / "cost.md").read_text() == cost().stdout


def test_make_cost_of_another_load_is_printed_and_leaves_the_page_alone() -> None:
    page = (ROOT / "docs" / "cost.md").read_text()
    printed, refused = (
        subprocess.run(["make", "cost", f"ARGS={load}"], cwd=ROOT, capture_output=True, text=True)
        for load in ("--requests 2.5e6", "--region nowhere")
    )

    assert "2,500,000 requests a month" in printed.stdout
    assert "error: prices.json has no prices of 'nowhere'" in refused.stderr
    assert (ROOT / "docs" / "cost.md").read_text() == page


def test_the_asked_for_load_is_in_the_answer() -> None:
    answer = cost("--requests", "2.5e6", "--memory", "896", "--region", "us-east-1").stdout

    assert "2,500,000 requests a month" in answer
    assert "\n| 2,500,000 | " in answer
    assert "\n| 896 | " in answer


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--region", "eu-north-1"], "has no prices of 'eu-north-1', only of us-east-1, "),
        (["--requests", "-1"], "--requests: 0 to"),
        (["--memory", "64"], "--memory: 128 to"),
        (["--picture-kb", "5000"], "larger ones go to S3"),
        (["--cold-percent", "101"], "--cold-percent: 0 to 100"),
        (["--requests", "nan"], "--requests: 0 to"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, list) else "",
)
def test_a_question_without_sense_is_refused(arguments: list[str], words: str) -> None:
    ended = cost(*arguments)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert words in ended.stderr
    assert ended.stdout == ""
