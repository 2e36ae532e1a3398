"""Cost of the setting `collect`: pictures and answers in S3, and compute after the response."""

from collections.abc import Iterator

from infra.cost.estimate import HOURS, KB_PER_GB, Items, Load
from infra.cost.prices import Prices
from infra.settings import Settings

OBJECTS = 2  # for a picture: the picture and its answer
RECORD_KB = 1.5  # an answer with six classes has 0.9 kB; feedback is rare
# Assumed for S3 in the same region: 45 ms for each object, and the 10 ms before the first. A
# stand-in on the same machine takes 35 to 56 ms in all (`python -m benchmarks.collecting`).
STORE_MS = 100
DAYS_PER_MONTH = HOURS / 24
# Share of the pictures; 0.08 of the test pictures of the included model are not confident.
SHARES = {"unsure": 0.08, "all": 1.0}


def cost(load: Load, prices: Prices, share: float) -> Items:
    """Cost of collecting a share of the pictures, in dollars per month.

    Args:
        load: requests, size of the pictures, and memory of the function.
        prices: prices in the region.
        share: share of the pictures that are collected, 0..1.
    """
    pictures = load.requests * share
    gb = pictures * (load.picture_kb + RECORD_KB) / KB_PER_GB
    kept_months = Settings().collect_days / DAYS_PER_MONTH
    seconds = pictures * STORE_MS / 1000
    return {
        "S3, requests": pictures * OBJECTS * prices.s3_put_request,
        "S3, storage": gb * kept_months * prices.s3_gb_month,
        "Lambda, after the response": seconds * load.memory_mb / 1024 * prices.lambda_gb_second,
    }


def section(load: Load, prices: Prices) -> Iterator[str]:
    """Lines of the report."""
    costs = {name: cost(load, prices, share) for name, share in SHARES.items()}
    yield "## Collected pictures"
    yield f"| collect | {' | '.join(next(iter(costs.values())))} | dollars per month |"
    yield "|---|---:|---:|---:|---:|"
    for name, items in costs.items():
        cells = " | ".join(f"{dollars:,.2f}" for dollars in items.values())
        yield f"| `{name}` | {cells} | {sum(items.values()):,.2f} |"
    yield ""
    yield (
        f"In addition to the above, with `collect_days` at {Settings().collect_days}. `unsure` "
        f"assumes that {SHARES['unsure']:.0%} of the predictions are not confident, as for the "
        f"test pictures of the included model. Storing a picture is assumed to take {STORE_MS} ms "
        "after the response. `feedback` costs a fraction of a cent for each feedback, and `off`, "
        "the default, costs nothing."
    )
