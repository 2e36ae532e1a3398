"""Cost report in Markdown, as in docs/cost.md."""

from collections.abc import Iterator
from dataclasses import replace

from infra.cost import collecting
from infra.cost.estimate import (
    GATEWAY_UNIT_KB,
    HOURS,
    Items,
    Load,
    compute_seconds,
    fargate,
    flood,
    function,
    gb_second,
    monitoring,
    sagemaker,
)
from infra.cost.latency import FULL_CPU_MB, Latency
from infra.cost.prices import Prices, Table

REQUESTS = (0, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
BODIES_KB = (0, 4000)  # of a flood: nothing, and what the service accepts
MEMORIES = (512, 768, 1024, 1536, 1769, 2048, 3008)


def report(load: Load, region: str, table: Table, latency: Latency, rate: int) -> str:
    """Text that `python -m infra cost` prints."""
    return "\n".join(_lines(load, region, table, latency, rate)) + "\n"


def _lines(load: Load, region: str, table: Table, latency: Latency, rate: int) -> Iterator[str]:
    prices = table.of(region)
    yield "# Cost"
    yield ""
    yield (
        f"Estimate for {load.requests:,.0f} requests per month in {region}. Each request has a "
        f"picture of {load.picture_kb:g} kB, the function has {load.memory_mb} MB of memory on "
        f"{load.architecture}, and "
        f"{load.cold_percent:g} % of the requests are cold starts. `make cost` writes this page. "
        "`python -m infra cost --help` lists the options for other loads."
    )
    yield ""
    yield f"Prices as of {table.as_of}. {table.note}"
    yield ""
    yield from _table("serving, dollars per month", function(load, latency, prices))
    yield ""
    yield from _table("monitoring, dollars per month", monitoring(load, prices))
    yield ""
    yield (
        "CloudWatch's free tier (10 metrics, 10 alarms and 3 dashboards per account) covers most "
        "of the monitoring, unless it is used by other projects. The totals do not include calls "
        "to Secrets Manager (one in five minutes for each busy instance), storage and requests of "
        "S3 ([collected pictures](#collected-pictures) apart), and data transfer out of AWS."
    )
    yield ""
    yield from _requests(load, latency, prices)
    yield ""
    yield from _worst_case(load, latency, prices, rate)
    yield ""
    yield from collecting.section(load, prices)
    yield ""
    yield from _memories(load, latency, prices)
    yield ""
    yield from _architectures(load, latency, prices)
    yield ""
    yield "## Sources"
    yield from (f"- {name}: {page}" for name, page in table.sources.items())


def _table(title: str, items: Items) -> Iterator[str]:
    yield f"| {title} | |"
    yield "|---|---:|"
    yield from (f"| {name} | {dollars:,.2f} |" for name, dollars in items.items())
    yield f"| **total** | **{sum(items.values()):,.2f}** |"


def _requests(load: Load, latency: Latency, prices: Prices) -> Iterator[str]:
    yield "## Compared with SageMaker and Fargate"
    yield "| requests per month | this stack | SageMaker Serverless | Fargate, always on |"
    yield "|---:|---:|---:|---:|"
    for requests in sorted({*REQUESTS, load.requests}):
        scaled = replace(load, requests=requests)
        totals = [
            sum(option(scaled, latency, prices).values())
            for option in (function, sagemaker, fargate)
        ]
        yield f"| {requests:,.0f} | " + " | ".join(f"{total:,.2f}" for total in totals) + " |"
    yield ""
    yield (
        "Dollars per month without monitoring. A SageMaker endpoint needs AWS credentials: an API "
        "with users in front of it would cost extra. Its prices are those of us-east-1. Fargate "
        "runs as many tasks of one CPU and 2 GB as a peak of ten times the average needs, without "
        "a spare task."
    )


def _worst_case(load: Load, latency: Latency, prices: Prices, rate: int) -> Iterator[str]:
    small, large = (flood(load, latency, prices, rate, body) for body in BODIES_KB)
    requests = rate * HOURS * 3600
    yield "## Worst case without credentials"
    yield (
        f"Anybody can send requests without credentials, as many as `throttle_rate` allows: {rate} "
        f"per second are {requests:,.0f} in a month. The function answers them with 401, so they "
        "cost as much as other requests, and your users get 429 meanwhile. The gateway bills every "
        f"{GATEWAY_UNIT_KB} kB of a body."
    )
    yield ""
    yield f"| dollars per month | empty bodies | bodies of {BODIES_KB[-1] / 1000:g} MB |"
    yield "|---|---:|---:|"
    yield from (f"| {name} | {small[name]:,.2f} | {large[name]:,.2f} |" for name in small)
    yield f"| **total** | **{sum(small.values()):,.2f}** | **{sum(large.values()):,.2f}** |"
    yield ""
    yield (
        "The compute is an upper bound, that of a picture of this size. The alarm `Traffic` fires "
        "after at most an hour over a fifth of this rate; it needs `alarm_email`. `budget` sends a "
        "mail before a cost of your choice. A lower `throttle_rate` lowers the worst case in "
        "proportion. An HTTP API has no web application firewall and no limit per client; for "
        "these, put CloudFront with AWS WAF in front of it."
    )


def _memories(load: Load, latency: Latency, prices: Prices) -> Iterator[str]:
    price = gb_second(load.architecture, prices)
    costs = {
        memory: compute_seconds(load, latency, memory) * memory / 1024 * price
        for memory in sorted({*MEMORIES, load.memory_mb})
    }
    cheapest = min(costs, key=costs.__getitem__)
    yield "## Choice of memory"
    yield "| MB | request, ms | init of a cold start, ms | compute, dollars per month |"
    yield "|---:|---:|---:|---:|"
    for memory, dollars in costs.items():
        request = latency.request(memory, load.picture_kb)
        yield f"| {memory} | {request:.1f} | {latency.init(memory):,.0f} | {dollars:.3f} |"
    yield ""
    yield (
        f"{cheapest} MB is cheapest, {costs[FULL_CPU_MB] - costs[cheapest]:.3f} dollars below the "
        f"default of {FULL_CPU_MB} MB. The CPU is proportional to the memory, and the service "
        "computes in one thread. Below one full virtual CPU, a request takes longer, and each "
        "millisecond is cheaper by the same factor: only the rounding to whole milliseconds makes "
        "a difference. Above it, requests are no faster. So the default is the smallest memory "
        "with the lowest latency. The times are estimates: those of `make bench`, divided by the "
        "share of a CPU."
    )


def _architectures(load: Load, latency: Latency, prices: Prices) -> Iterator[str]:
    intel, arm = (
        function(replace(load, architecture=name), latency, prices)["Lambda, compute"]
        for name in ("x86_64", "arm64")
    )
    yield "## Choice of architecture"
    yield (
        "On arm64 (`architecture=arm64`), a second of compute costs "
        f"{100 * (1 - prices.arm64_share):.0f} % less: {arm:.2f} instead of {intel:.2f} dollars "
        "per month, if requests take as long as on x86-64. The service was not measured on "
        "Lambda with arm64."
    )
