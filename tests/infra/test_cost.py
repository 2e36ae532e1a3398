"""`python -m infra cost`: calculation, price table and report."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from infra.cost import collecting
from infra.cost.estimate import (
    ALARM_METRICS,
    METRICS,
    Load,
    compute_seconds,
    fargate,
    flood,
    function,
    monitoring,
    sagemaker,
)
from infra.cost.latency import RESULTS, Latency, read_latency
from infra.cost.prices import Table, read_table
from infra.settings import Settings
from tests.infra.conftest import ROOT, Assembly
from tests.infra.templates import properties

LATENCY = Latency(request_ms=5.4, init_ms=500)
LOAD = Load(requests=1e6, picture_kb=8, memory_mb=1769, cold_percent=0)


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table()


def cost(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra", "cost", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_compute_is_billed_by_memory_and_whole_milliseconds(table: Table) -> None:
    prices = table.of("us-east-1")
    items = function(LOAD, LATENCY, prices)

    # By hand: 1e6 requests of 6 ms, 1769/1024 GB, 0.0000166667 dollars per GB-second.
    assert items["Lambda, compute"] == pytest.approx(0.17276, rel=1e-3)
    assert items["Lambda, requests"] == pytest.approx(0.20)
    assert items["HTTP API"] == pytest.approx(1.00)


def test_half_a_cpu_doubles_the_latency_and_more_than_one_is_no_faster() -> None:
    assert LATENCY.request(1769, 8) == pytest.approx(5.4)
    assert LATENCY.request(1769 // 2, 8) == pytest.approx(10.8, rel=1e-2)
    assert LATENCY.request(3538, 8) == pytest.approx(5.4)
    assert LATENCY.request(1769, 1008) == pytest.approx(5.4 + 15)


def test_cold_starts_are_billed() -> None:
    warm, cold = (
        compute_seconds(replace(LOAD, cold_percent=percent), LATENCY, 1769) for percent in (0, 2)
    )

    assert warm == pytest.approx(6000)
    assert cold - warm == pytest.approx(1e6 * 0.02 * 0.5)


def test_gateway_bills_every_512_kilobytes(table: Table) -> None:
    prices = table.of("eu-central-1")
    small, large = (
        function(replace(LOAD, picture_kb=kb), LATENCY, prices)["HTTP API"] for kb in (30, 1500)
    )

    assert large == pytest.approx(3 * small)


def test_fargate_has_one_idle_task_and_adds_tasks_for_the_peak(table: Table) -> None:
    prices = table.of("us-east-1")
    idle = fargate(replace(LOAD, requests=0), LATENCY, prices)
    busy = fargate(replace(LOAD, requests=1e9), LATENCY, prices)

    # By hand: 730 hours of 0.04048 + 2 * 0.004445.
    assert idle["tasks, 1"] == pytest.approx(36.04, abs=0.01)
    # By hand: 3,805 requests per second at the peak, 20.5 CPUs, 29.4 tasks at 70 %.
    assert "tasks, 30" in busy


def test_idle_compute_costs_nothing(table: Table) -> None:
    prices = table.of("eu-central-1")
    idle = replace(LOAD, requests=0, cold_percent=1)

    assert sum(sagemaker(idle, LATENCY, prices).values()) == 0
    assert sum(function(idle, LATENCY, prices).values()) < 1


def test_flood_without_credentials_costs_by_rate_and_body(table: Table) -> None:
    prices = table.of("eu-central-1")
    small, large, slow = (
        flood(LOAD, LATENCY, prices, rate, kb) for rate, kb in [(50, 0), (50, 4000), (10, 0)]
    )

    # By hand: 50 * 730 * 3600 = 131.4 million requests, 1.20 dollars per million and 512 kB.
    assert small["HTTP API"] == pytest.approx(157.68)
    assert large["HTTP API"] == pytest.approx(8 * 157.68)
    assert small["Lambda, requests"] == pytest.approx(26.28)
    assert sum(slow.values()) == pytest.approx(sum(small.values()) / 5)
    assert "secret" not in small


def test_rate_of_the_worst_case_is_that_of_the_settings() -> None:
    rate = Settings().throttle_rate

    assert f"{rate} per second are {rate * 730 * 3600:,}" in cost().stdout
    assert "10 per second are 26,280,000" in cost("--rate", "10").stdout


def test_idle_month_pays_for_the_metrics_of_the_heartbeat(table: Table) -> None:
    items = monitoring(replace(LOAD, requests=0), table.of("eu-central-1"))

    # By hand: four metrics, 61 of 730 hours, 0.30 dollars per month.
    assert items["metrics"] == pytest.approx(0.100, abs=1e-3)


def test_collecting_costs_two_objects_and_their_storage(table: Table) -> None:
    items = collecting.cost(replace(LOAD, picture_kb=30), table.of("eu-central-1"), 1.0)

    # By hand: 2 million PUT requests at 5.40 dollars a million; 31.5 GB a month for 3 months.
    assert items["S3, requests"] == pytest.approx(10.80)
    assert items["S3, storage"] == pytest.approx(31.5 * 90 / (730 / 24) * 0.0245, rel=1e-3)
    assert items["Lambda, after the response"] == pytest.approx(
        100_000 * 1769 / 1024 / 60_000, rel=1e-3
    )


def test_every_metric_of_the_service_is_counted(
    written_metrics: set[tuple[str, str | None]],
) -> None:
    assert len(written_metrics) == METRICS


def test_every_metric_of_the_alarms_and_every_dashboard_is_counted(default: Assembly) -> None:
    counts = [
        sum("MetricStat" in query for query in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in properties(default.service, "AWS::CloudWatch::Alarm")
    ]

    assert sum(counts) == ALARM_METRICS
    default.service.resource_count_is("AWS::CloudWatch::Dashboard", 1)


def test_prices_have_sources_and_a_date(table: Table) -> None:
    assert all(source.startswith("https://aws.amazon.com/") for source in table.sources.values())
    assert len(table.as_of) == len("2026-11-23")
    for region in table.regions:
        table.of(region)


def test_latency_is_that_of_the_benchmark() -> None:
    measured = json.loads(RESULTS.read_text())

    assert read_latency().request_ms == measured["warm"]["ms"]["handler_form"]["p50"]


def test_cost_page_is_up_to_date() -> None:
    """If not: `make cost`, after new prices and after `make bench`."""
    assert (ROOT / "docs" / "cost.md").read_text() == cost().stdout


def test_make_cost_with_arguments_prints_and_keeps_the_page() -> None:
    page = (ROOT / "docs" / "cost.md").read_text()
    printed, refused = (
        subprocess.run(["make", "cost", f"ARGS={load}"], cwd=ROOT, capture_output=True, text=True)
        for load in ("--requests 2.5e6", "--region nowhere")
    )

    assert "2,500,000 requests per month" in printed.stdout
    assert "error: prices.json has no prices for 'nowhere'" in refused.stderr
    assert (ROOT / "docs" / "cost.md").read_text() == page


def test_report_contains_the_requested_load() -> None:
    report = cost("--requests", "2.5e6", "--memory", "896", "--region", "us-east-1").stdout

    assert "2,500,000 requests per month" in report
    assert "\n| 2,500,000 | " in report
    assert "\n| 896 | " in report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--region", "eu-north-1"], "has no prices for 'eu-north-1', only for us-east-1, "),
        (["--requests", "-1"], "--requests: -1 is out of range. Use 0 to 1e12"),
        (["--memory", "64"], "--memory: 64 is out of range. Use 128 to"),
        (["--picture-kb", "5000"], "larger pictures are uploaded to S3"),
        (["--rate", "0"], "--rate: 0 is out of range. Use 1 to"),
        (["--cold-percent", "101"], "--cold-percent: 101 is out of range. Use 0 to 100"),
        (["--requests", "nan"], "--requests: nan is out of range"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, list) else "",
)
def test_invalid_argument_is_rejected(arguments: list[str], message: str) -> None:
    run = cost(*arguments)

    assert run.returncode == 1
    assert run.stderr.startswith("error: ")
    assert message in run.stderr
    assert run.stdout == ""
