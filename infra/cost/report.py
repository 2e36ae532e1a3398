"""The page of costs, in Markdown: docs/cost.md is one."""

from collections.abc import Iterator
from dataclasses import replace

from infra.cost.estimate import (
    Items,
    Load,
    compute_seconds,
    fargate,
    function,
    sagemaker,
    watching,
)
from infra.cost.latency import FULL_CPU_MB, Latency
from infra.cost.prices import Prices, Table

REQUESTS = (0, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
MEMORIES = (512, 768, 1024, 1536, 1769, 2048, 3008)


def report(load: Load, region: str, table: Table, latency: Latency) -> str:
    """All that `python -m infra cost` prints."""
    return "\n".join(_lines(load, region, table, latency)) + "\n"


def _lines(load: Load, region: str, table: Table, latency: Latency) -> Iterator[str]:
    prices = table.of(region)
    yield "# What it costs"
    yield ""
    yield (
        f"{load.requests:,.0f} requests a month with a picture of {load.picture_kb:g} kB, "
        f"{load.memory_mb} MB, {load.cold_percent:g} % cold starts, {region}. Made by "
        "`python -m infra cost`; `make cost` writes this page, `--help` names what can be asked."
    )
    yield ""
    yield f"Prices as of {table.as_of}. {table.note}"
    yield ""
    yield from _table("to answer, dollars a month", function(load, latency, prices))
    yield ""
    yield from _table("to watch over it, dollars a month", watching(load, prices))
    yield ""
    yield (
        "CloudWatch's free tier (10 metrics, 10 alarms, 3 dashboards in an account) covers most of "
        "the second table, if nothing else uses it. In no sum: calls of Secrets Manager, of which "
        "a busy instance makes one in five minutes; storage and requests of S3; data that leaves "
        "AWS."
    )
    yield ""
    yield from _requests(load, latency, prices)
    yield ""
    yield from _memories(load, latency, prices)
    yield ""
    yield "## Sources"
    yield from (f"- {name}: {page}" for name, page in table.sources.items())


def _table(title: str, items: Items) -> Iterator[str]:
    yield f"| {title} | |"
    yield "|---|---:|"
    yield from (f"| {name} | {dollars:,.2f} |" for name, dollars in items.items())
    yield f"| **all** | **{sum(items.values()):,.2f}** |"


def _requests(load: Load, latency: Latency, prices: Prices) -> Iterator[str]:
    yield "## Beside what else could serve it"
    yield "| requests a month | this stack | SageMaker Serverless | Fargate, always on |"
    yield "|---:|---:|---:|---:|"
    for requests in sorted({*REQUESTS, load.requests}):
        asked = replace(load, requests=requests)
        sums = (sum(way(asked, latency, prices).values()) for way in (function, sagemaker, fargate))
        yield f"| {requests:,.0f} | " + " | ".join(f"{dollars:,.2f}" for dollars in sums) + " |"
    yield ""
    yield (
        "SageMaker's endpoint takes AWS credentials only: an API with users in front of it would "
        "come on top. Its price is that of us-east-1. Fargate has tasks of one processor and 2 GB, "
        "as many as a peak of ten times the average needs, without a spare one. To watch over it "
        "is in no sum."
    )


def _memories(load: Load, latency: Latency, prices: Prices) -> Iterator[str]:
    costs = {
        memory: compute_seconds(load, latency, memory) * memory / 1024 * prices.lambda_gb_second
        for memory in sorted({*MEMORIES, load.memory_mb})
    }
    cheapest = min(costs, key=costs.__getitem__)
    yield "## Which memory"
    yield "| MB | a request, ms | a cold start's init, ms | compute, dollars a month |"
    yield "|---:|---:|---:|---:|"
    for memory, dollars in costs.items():
        request = latency.request(memory, load.picture_kb)
        yield f"| {memory} | {request:.1f} | {latency.init(memory):,.0f} | {dollars:.3f} |"
    yield ""
    yield (
        f"Cheapest are {cheapest} MB, by {costs[FULL_CPU_MB] - costs[cheapest]:.3f} dollars over "
        f"{FULL_CPU_MB} MB, the default. Half the memory is half the processor: the service is one "
        "thread that computes, so below one whole virtual CPU it takes as much longer as a "
        "millisecond gets cheaper, and above it no faster. What differs is that times are rounded "
        "up to milliseconds. So the default is the smallest that is as fast as it gets. Times are "
        "a model: those of `make bench`, divided by the share of a processor."
    )
