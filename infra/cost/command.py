"""The command `cost` of `python -m infra`."""

import argparse
from typing import Any

from infra.cost.latency import FULL_CPU_MB
from infra.errors import InfraError


def add_commands(commands: Any) -> None:
    """Add `cost` to the subparsers of argparse."""
    cost = commands.add_parser(
        "cost",
        help="estimate the cost per month, compared with SageMaker and Fargate",
        description="Print the estimated cost per month as Markdown.",
    )
    cost.add_argument(
        "--requests", type=float, default=1e6, help="requests per month (default: 1e6)"
    )
    cost.add_argument(
        "--picture-kb",
        type=float,
        default=30,
        help="size of a picture in kilobytes (default: %(default)s)",
    )
    cost.add_argument(
        "--memory",
        type=int,
        default=FULL_CPU_MB,
        help="memory of the function in MB (default: %(default)s)",
    )
    cost.add_argument(
        "--cold-percent",
        type=float,
        default=1,
        help="percentage of requests that start a new instance (default: %(default)s)",
    )
    cost.add_argument(
        "--rate",
        type=int,
        default=50,
        help="throttle_rate of the worst case, in requests per second (default: %(default)s)",
    )
    cost.add_argument(
        "--architecture",
        choices=["x86_64", "arm64"],
        default="x86_64",
        help="architecture of the function (default: %(default)s)",
    )
    cost.add_argument("--region", default="eu-central-1", help="AWS region (default: %(default)s)")
    cost.set_defaults(command=_cost)


def _cost(parsed: argparse.Namespace) -> int:
    from infra.cost.estimate import Load
    from infra.cost.latency import read_latency
    from infra.cost.prices import read_table
    from infra.cost.report import report

    if not 0 <= parsed.requests < 1e12:
        raise InfraError(f"--requests: {parsed.requests:g} is out of range. Use 0 to 1e12.")
    if not 0 < parsed.picture_kb <= 4000:
        raise InfraError(
            f"--picture-kb: {parsed.picture_kb:g} is out of range. Use up to 4000; larger pictures "
            "are uploaded to S3 with /uploads."
        )
    if not 128 <= parsed.memory <= 10_240:
        raise InfraError(f"--memory: {parsed.memory} is out of range. Use 128 to 10240 MB.")
    if not 0 <= parsed.cold_percent <= 100:
        raise InfraError(f"--cold-percent: {parsed.cold_percent:g} is out of range. Use 0 to 100.")
    if not 1 <= parsed.rate <= 100_000:
        raise InfraError(f"--rate: {parsed.rate} is out of range. Use 1 to 100000.")
    load = Load(
        parsed.requests,
        parsed.picture_kb,
        parsed.memory,
        parsed.cold_percent,
        parsed.architecture,
    )
    print(report(load, parsed.region, read_table(), read_latency(), parsed.rate), end="")
    return 0
