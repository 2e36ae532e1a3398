"""Rates of bulk classification: what a run's estimate and its final cost are computed from."""

import json

from infra.cost.estimate import gb_second
from infra.cost.latency import PICTURE_KB, read_latency
from infra.cost.prices import DEFAULT_REGION, read_table


def rates_json(region: str | None, memory_mb: int, architecture: str) -> str:
    """Return the rates as JSON, read by `lambda_api.bulk.cost.Rates`.

    Args:
        region: region of the stack. Without prices for it, those of eu-central-1 are used.
        memory_mb: memory of the functions in MB.
        architecture: architecture of the functions, x86_64 or arm64.
    """
    table, latency = read_table(), read_latency()
    priced = region if region in table.regions else DEFAULT_REGION
    prices = table.of(priced)
    return json.dumps(
        {
            "prices_of": priced,
            # The time of a request with its overhead, which is more than a picture of a batch.
            "ms_per_picture": round(latency.request(memory_mb, PICTURE_KB), 3),
            "ms_per_kb": round(
                latency.request(memory_mb, PICTURE_KB + 1) - latency.request(memory_mb, PICTURE_KB),
                6,
            ),
            "worker_second": memory_mb / 1024 * gb_second(architecture, prices),
            "worker_call": prices.lambda_request,
            "s3_get": prices.s3_get_request,
            "s3_put": prices.s3_put_request,
            "transition": prices.states_transition,
            "express_call": prices.states_express_request,
            "express_gb_second": prices.states_express_gb_second,
        }
    )
