"""Summary of a synthesis, and the cost of a deployment without requests."""

import json
from pathlib import Path

import pytest

from infra.cost.estimate import Load, function, monitoring
from infra.cost.idle import idle
from infra.cost.latency import read_latency
from infra.cost.prices import read_table
from infra.summary import summary
from tests.infra.conftest import Assembly

PRICES = read_table().of("eu-central-1")
IDLE = Load(requests=0, picture_kb=30, memory_mb=1769, cold_percent=1)


def templates(assembly: Assembly) -> dict[str, dict[str, object]]:
    return {name: json.loads(text) for name, text in assembly.stacks.items()}


def test_summary_names_resources_cost_and_folder(
    default: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(default.folder.parent)

    stack, cost, folder = summary(templates(default), "eu-central-1", str(default.folder))

    assert stack.startswith("landscape-classifier-dev: 1 HTTP API, ")
    assert "1 secret, " in stack
    assert stack.endswith(" other resources")
    assert cost.startswith("Idle cost: ")
    assert "(secret 0.40, " in cost or ", secret 0.40" in cost
    assert folder == f"Templates: {default.folder.name}/*.template.json"


def test_idle_cost_is_that_of_the_cost_page(default: Assembly) -> None:
    items = idle(templates(default).values(), PRICES)
    expected = function(IDLE, read_latency(), PRICES) | monitoring(IDLE, PRICES)

    for name in ("secret", "image in ECR", "alarms", "dashboard"):
        assert items[name] == pytest.approx(expected[name]), name
    assert items.keys() == {"secret", "image in ECR", "alarms", "dashboard"}


def test_idle_cost_has_what_always_runs(everything: Assembly, with_access: Assembly) -> None:
    costly = idle(templates(everything).values(), PRICES)
    arm = idle(templates(with_access).values(), PRICES)

    # Two instances of 3008 MB, for 730 hours.
    assert costly["provisioned instances"] == pytest.approx(
        2 * 3008 / 1024 * 730 * 3600 * PRICES.lambda_provisioned_gb_second
    )
    assert arm["container on Fargate"] == pytest.approx(costly["container on Fargate"] * 0.8)
    assert "secret" not in arm  # tokens replace the password
    assert {"load balancer", "public address"} <= costly.keys() & arm.keys()


def test_region_without_prices_is_named(default: Assembly, tmp_path: Path) -> None:
    _, cost, _ = summary(templates(default), "sa-east-1", str(tmp_path))

    assert cost == "Idle cost: unknown, infra/cost/prices.json has no prices for sa-east-1."
