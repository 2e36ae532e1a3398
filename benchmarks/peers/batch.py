"""Pictures a second of a bulk worker beside plain handlers, with a stand-in for S3.

The worker has one processor, as a Lambda function of 1,769 MB. AWS documents 100 to 200 ms to the
first byte of an object in S3:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

import os
import subprocess
import sys
from typing import Any

from benchmarks.machine import limited_to
from benchmarks.peers import environments
from benchmarks.peers.cold_start import BUNDLE
from benchmarks.peers.speeds import summary
from benchmarks.ports import free_port, wait_until_open

KINDS = {
    "the service": ("service", "service"),
    "boto3, one object after the other": ("boto3", "loop"),
    "boto3, eight threads": ("boto3", "threads"),
}
DELAYS_MS = (0, 20, 100)
WARM = 10
LIMIT_S = 60


def measure(rounds: int, pictures: int) -> dict[str, dict[str, Any]]:
    """Classify `pictures` objects with each kind in turn.

    Returns:
        By name and delay in milliseconds: the summary of the rounds, see `speeds.summary`.
    """
    found: dict[str, dict[str, Any]] = {name: {} for name in KINDS}
    for delay_ms in DELAYS_MS:
        port = free_port()
        server = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "benchmarks.peers.stored_objects", str(port), str(delay_ms)],
            cwd=environments.ROOT,
        )
        try:
            wait_until_open(port, LIMIT_S)
            results: dict[str, list[dict[str, float]]] = {name: [] for name in KINDS}
            for _ in range(rounds):
                for name in KINDS:
                    results[name].append(_run(name, port, pictures))
        finally:
            server.kill()
            server.wait()
        for name, each in results.items():
            found[name][str(delay_ms)] = summary(each)
    return found


def _run(name: str, port: int, pictures: int) -> dict[str, float]:
    environment, kind = KINDS[name]
    with limited_to([min(os.sched_getaffinity(0))]):
        result: dict[str, float] = environments.run(
            environment, "batch.py", kind, str(WARM), str(pictures),
            variables={
                "BUNDLE": str(BUNDLE),
                "PYTHONPATH": environments.SEARCH,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_REGION": "eu-central-1",
                "AWS_DEFAULT_REGION": "eu-central-1",
                "AWS_ACCESS_KEY_ID": "bench",
                "AWS_SECRET_ACCESS_KEY": "bench",
                "OMP_NUM_THREADS": "1",
            },
        )  # fmt: skip
    return result
