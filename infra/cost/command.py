"""`python -m infra cost`."""

import argparse

from infra.cost.estimate import Load
from infra.cost.latency import FULL_CPU_MB, read_latency
from infra.cost.prices import read_table
from infra.cost.report import report
from infra.errors import InfraError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked; `cost` answers."""
    parser.add_argument("--requests", type=float, default=1e6, help="a month, as in 1e6")
    parser.add_argument("--picture-kb", type=float, default=30, help="kilobytes of a picture")
    parser.add_argument("--memory", type=int, default=FULL_CPU_MB, help="of the function, in MB")
    parser.add_argument("--cold-percent", type=float, default=1, help="of requests that start cold")
    parser.add_argument("--region", default="eu-central-1")


def cost(wanted: argparse.Namespace) -> str:
    """The report. Raises `InfraError` where the question makes no sense."""
    if not 0 <= wanted.requests < 1e12:
        raise InfraError("--requests: 0 to 1e12 a month")
    if not 0 < wanted.picture_kb <= 4000:
        raise InfraError("--picture-kb: up to 4000; larger ones go to S3 by /uploads")
    if not 128 <= wanted.memory <= 10_240:
        raise InfraError("--memory: 128 to 10240 MB")
    if not 0 <= wanted.cold_percent <= 100:
        raise InfraError("--cold-percent: 0 to 100")
    load = Load(wanted.requests, wanted.picture_kb, wanted.memory, wanted.cold_percent)
    return report(load, wanted.region, read_table(), read_latency())
