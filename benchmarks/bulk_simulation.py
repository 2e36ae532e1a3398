"""Simulation of bulk runs on Step Functions: `python -m benchmarks.bulk_simulation`.

Simulates cold starts, throttling with retries, dead workers and stragglers of the Distributed Map
with SimPy, and computes the cost from the rates that the deployment uses. Prints the tables of
docs/scale.md. The figures are estimates: nothing here ran in an AWS account.
"""

import argparse
import random
import statistics
from collections.abc import Generator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import simpy

from infra.bulk_machine import ATTEMPTS, FIRST_WAIT_S, LONGEST_WAIT_S, THROTTLED_ATTEMPTS
from infra.cost.bulk_rates import rates_json
from infra.cost.latency import read_latency
from infra.cost.prices import DEFAULT_REGION, Prices, read_table
from lambda_api.bulk.cost import Rates

MEMORY_MB = 1769
BATCH = 500
SEEDS = range(5)
SIMULATED_BATCHES = 20_000  # larger runs are extrapolated: their middle has no new effects
LIST_S, KEYS_PER_LIST = 0.1, 1000
SUMMARY_S_PER_PART = 0.03  # a GET of a part and its rows; parts are read one after the other
CHILD_START_S = 0.1  # start of a child execution, until its worker is invoked


@dataclass(frozen=True)
class Setup:
    """A run to simulate.

    Attributes:
        pictures: number of pictures.
        batch: pictures in a batch.
        concurrency: children at the same time, MaxConcurrency of the Map.
        instances: instances of the worker at the same time: reserved concurrency, or what the
            quota of the account leaves.
        ms_per_picture: milliseconds of the worker for a picture.
        cold_start_s: seconds of the first invocation of an instance that are not billed per
            picture.
        straggler_share: share of the batches that take `straggler_factor` times as long.
        straggler_factor: factor of stragglers.
        dead_share: share of the invocations that die halfway.
        killed: invocations at the beginning that die at once.
        jitter: wait a random part of the time before a retry, as Step Functions does with
            JitterStrategy FULL; the emulator waits the whole time.
    """

    pictures: int
    batch: int = BATCH
    concurrency: int = 5
    instances: int = 1000
    ms_per_picture: float = 6.0
    cold_start_s: float = 3.0
    straggler_share: float = 0.01
    straggler_factor: float = 4.0
    dead_share: float = 0.001
    killed: int = 0
    jitter: bool = True

    @property
    def batches(self) -> int:
        """Number of batches."""
        return ceil(self.pictures / self.batch)


@dataclass
class Outcome:
    """Result of a simulated run.

    Attributes:
        map_s: seconds of the Map.
        worker_s: seconds of all invocations together.
        cold: cold starts.
        throttled: rejected invocations.
        failed: batches whose retries were used up.
    """

    map_s: float = 0.0
    worker_s: float = 0.0
    cold: int = 0
    throttled: int = 0
    failed: int = 0


class _Map:
    """A Distributed Map and its workers in a SimPy environment."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self._setup, self._random = setup, random.Random(seed)  # noqa: S311 - not for secrets
        self._env = simpy.Environment()
        self._children = simpy.Resource(self._env, setup.concurrency)
        self._busy = self._warm = self._killed = 0
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Simulate the Map to its end."""
        sizes = [self._setup.batch] * self._setup.batches
        sizes[-1] -= sum(sizes) - self._setup.pictures
        for size in sizes:
            self._env.process(self._child(size))
        self._env.run()
        self.outcome.map_s = self._env.now
        return self.outcome

    def _child(self, size: int) -> Generator[simpy.Event, Any, None]:
        setup = self._setup
        with self._children.request() as turn:
            yield turn
            yield self._env.timeout(CHILD_START_S)
            throttled = died = 0
            while True:
                if self._busy >= setup.instances:
                    self.outcome.throttled += 1
                    throttled += 1
                    if throttled > THROTTLED_ATTEMPTS:
                        self.outcome.failed += 1
                        return
                    yield self._wait(throttled)
                    continue
                if (yield from self._invocation(size)):
                    return
                died += 1
                if died > ATTEMPTS:
                    self.outcome.failed += 1
                    return
                yield self._wait(died)

    def _wait(self, attempt: int) -> simpy.Event:
        seconds = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
        return self._env.timeout(seconds * (self._random.random() if self._setup.jitter else 1))

    def _invocation(self, size: int) -> Generator[simpy.Event, Any, bool]:
        """Run the worker. Returns whether it has finished the batch."""
        setup = self._setup
        cold, self._busy = self._warm == 0, self._busy + 1
        self._warm -= not cold
        seconds = size * setup.ms_per_picture / 1000
        if self._random.random() < setup.straggler_share:
            seconds *= setup.straggler_factor
        dies = self._random.random() < setup.dead_share
        if cold:
            self.outcome.cold += 1
            seconds += setup.cold_start_s
        seconds *= 0.5 if dies else 1
        if self._killed < setup.killed:
            self._killed += 1
            seconds, dies = 0.0, True
        yield self._env.timeout(seconds)
        self.outcome.worker_s += seconds
        self._busy -= 1
        self._warm += not dies
        return not dies


def simulate(setup: Setup, seed: int = 0) -> Outcome:
    """Simulate a run. Runs of more than 20,000 batches are extrapolated from that many."""
    scale = max(1.0, setup.batches / SIMULATED_BATCHES)
    part = setup
    if scale > 1:
        part = replace(setup, pictures=SIMULATED_BATCHES * setup.batch)
    outcome = _Map(part, seed).run()
    return Outcome(
        outcome.map_s * scale,
        outcome.worker_s * scale,
        outcome.cold,
        round(outcome.throttled * scale),
        round(outcome.failed * scale),
    )


def plan_s(setup: Setup) -> float:
    """Seconds to list the pictures, a thousand with each request."""
    return ceil(setup.pictures / KEYS_PER_LIST) * LIST_S


def summary_s(setup: Setup) -> float:
    """Seconds to read all parts."""
    return setup.batches * SUMMARY_S_PER_PART


def main() -> None:
    """Print the tables of docs/scale.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ms-per-picture", type=float, help="default: of `make bench`")
    parser.add_argument("--emulator", action="store_true", help="simulate the run of `make e2e`")
    parsed = parser.parse_args()
    measured = parsed.ms_per_picture or round(read_latency().request(MEMORY_MB, 8), 1)
    if parsed.emulator:
        _print_emulator(measured)
        return
    prices = read_table().of(DEFAULT_REGION)
    rates = Rates.from_json(rates_json(None, MEMORY_MB, "x86_64"))
    print(f"{measured} ms a picture, batches of {BATCH}, prices of {rates.prices_of}\n")
    print("| pictures | concurrency | list | Map | summary | cold starts | failed batches | cost |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for exponent in range(3, 10):
        for concurrency in (5, 50, 1000):
            setup = Setup(10**exponent, concurrency=concurrency, ms_per_picture=measured)
            if concurrency <= setup.batches or concurrency == 5:
                print(_row(setup, rates))
    print("\n| effect on 1,000,000 pictures | Map | throttled | failed batches |")
    print("|---|---:|---:|---:|")
    base = Setup(10**6, concurrency=50, ms_per_picture=measured)
    for name, setup in {
        "50 children, enough instances": base,
        "no stragglers": replace(base, straggler_share=0),
        "5 % stragglers, ten times as slow": replace(
            base, straggler_share=0.05, straggler_factor=10
        ),
        "1 % of the workers die": replace(base, dead_share=0.01),
        "only 40 instances": replace(base, instances=40),
        "only 10 instances": replace(base, instances=10),
        "only 10 instances, no jitter": replace(base, instances=10, jitter=False),
    }.items():
        print(_effect(name, setup))
    print("\n| 1,000,000 pictures with | dollars |")
    print("|---|---:|")
    for name, dollars in alternatives(measured, rates, prices).items():
        print(f"| {name} | {dollars:.2f} |")


def _row(setup: Setup, rates: Rates) -> str:
    runs = [simulate(setup, seed) for seed in SEEDS]
    worker_s = statistics.mean(run.worker_s for run in runs)
    cells = [
        f"{setup.pictures:,}",
        str(setup.concurrency),
        _time(plan_s(setup)),
        _time(statistics.mean(run.map_s for run in runs)),
        _time(summary_s(setup)),
        str(round(statistics.mean(run.cold for run in runs))),
        f"{statistics.mean(run.failed for run in runs):.1f}",
        f"${rates.cost(setup.pictures, setup.batches, worker_s):,.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _effect(name: str, setup: Setup) -> str:
    runs = [simulate(setup, seed) for seed in SEEDS]
    mean = [
        statistics.mean(getattr(run, field) for run in runs)
        for field in ("map_s", "throttled", "failed")
    ]
    return f"| {name} | {_time(mean[0])} | {mean[1]:,.0f} | {mean[2]:.1f} |"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def alternatives(ms_per_picture: float, rates: Rates, prices: Prices) -> dict[str, float]:
    """Return the dollars for a million pictures with each way to classify them."""
    million = 10**6
    seconds = million * ms_per_picture / 1000
    invocation = seconds * rates.worker_second + million * (
        prices.lambda_request + prices.s3_get_request
    )
    batches = million / BATCH
    vcpu_hours = seconds / 3600
    return {
        "this stack": rates.cost(million, round(batches), seconds),
        "a STANDARD child for each picture": invocation + 3 * million * prices.states_transition,
        "S3 Batch Operations": invocation + prices.s3_batch_job + million * prices.s3_batch_object,
        "SQS and Lambda, batches of 10": seconds * rates.worker_second
        + million * (3 * prices.sqs_request + prices.s3_get_request)
        + million / 10 * prices.lambda_request,
        "AWS Batch on Fargate, 1 vCPU and 2 GB": vcpu_hours
        * (prices.fargate_vcpu_hour + 2 * prices.fargate_gb_hour)
        + million * prices.s3_get_request,
    }


def _print_emulator(ms_per_picture: float) -> None:
    """Print the simulation of the run of tests/deploy: four batches of 50, and a dead worker."""
    setup = Setup(
        200,
        batch=50,
        concurrency=64,  # the emulator ignores MaxConcurrencyPath
        ms_per_picture=ms_per_picture,
        straggler_share=0,
        dead_share=0,
        killed=1,
        jitter=False,
    )
    print(f"Map: {simulate(setup).map_s:.1f} s")


if __name__ == "__main__":
    main()
