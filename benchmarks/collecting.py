"""Measure what COLLECT adds to a prediction through the Lambda handler.

    .venv/bin/python -m benchmarks.collecting

The S3 of moto, in a process of its own, stands in for S3. After each response, the benchmark waits
until the picture is stored, as the extension does on Lambda. The settings take turns, so other load
on the machine affects both alike.
"""

import asyncio
import base64
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module, reload
from io import StringIO
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

REQUESTS, WARM_UP = 300, 20
PICTURE = Path(__file__).parents[1] / "frontend" / "samples" / "forest.jpg"
_ENVIRONMENT = {
    "API_USERNAME": "benchmark",
    "API_PASSWORD": "for-the-benchmark",
    "POWERTOOLS_METRICS_NAMESPACE": "Benchmark",
    "AWS_ACCESS_KEY_ID": "unused",
    "AWS_SECRET_ACCESS_KEY": "unused",
    "AWS_REGION": "us-east-1",
    "COLLECT_TO": "s3://benchmark/collected",
}
_S3 = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
input()
"""


def main() -> int:
    """Print a table in Markdown."""
    os.environ |= _ENVIRONMENT
    with _s3() as url, asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())  # Mangum uses it
        os.environ["AWS_ENDPOINT_URL"] = url
        import boto3

        boto3.client("s3").create_bucket(Bucket="benchmark")
        with redirect_stdout(StringIO()):  # the logger keeps this stream
            handlers = {setting: _load(setting) for setting in ("off", "all")}
        seconds: dict[str, list[float]] = {setting: [] for setting in handlers}
        storing: list[float] = []
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one processor, as on Lambda
        for i in range(WARM_UP + REQUESTS):
            for setting, (handler, collector) in handlers.items():
                answered, stored = _request(handler, collector)
                if i >= WARM_UP:
                    seconds[setting].append(answered)
                    storing += [stored] if collector else []
    print("| COLLECT | response, median ms | 95th percentile | until stored, median ms |")
    print("|---|---:|---:|---:|")
    for setting, values in seconds.items():
        after = f"{_ms(statistics.median(storing))}" if setting != "off" else ""
        p95 = statistics.quantiles(values, n=20)[-1]
        print(f"| `{setting}` | {_ms(statistics.median(values))} | {_ms(p95)} | {after} |")
    return 0


def _load(setting: str) -> tuple[Any, Any]:
    os.environ["COLLECT"] = setting
    module: ModuleType = reload(import_module("lambda_api.handler"))
    return module.handler, module.app.state.services.collection.collector


def _request(handler: Any, collector: Any) -> tuple[float, float]:
    """Seconds until the response, and from there until the picture is stored."""
    start = perf_counter()
    with redirect_stdout(StringIO()):
        answer = handler(_EVENT, None)
    answered = perf_counter()
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])
    if collector and not collector.drain(10):
        raise RuntimeError("The picture was not stored within 10 s.")
    return answered - start, perf_counter() - answered


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


@contextmanager
def _s3() -> Iterator[str]:
    with subprocess.Popen(  # noqa: S603 - a constant
        [sys.executable, "-c", _S3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout  # noqa: S101 - for the type
        yield server.stdout.readline().strip()
        server.communicate("\n")


_LOGIN = base64.b64encode(b"benchmark:for-the-benchmark").decode()
_EVENT = {
    "version": "2.0",
    "rawPath": "/predict",
    "rawQueryString": "",
    "headers": {"authorization": f"Basic {_LOGIN}", "content-type": "image/jpeg"},
    "requestContext": {
        "requestId": "benchmark",
        "http": {"method": "POST", "path": "/predict", "sourceIp": "127.0.0.1"},
    },
    "body": base64.b64encode(PICTURE.read_bytes()).decode(),
    "isBase64Encoded": True,
}

if __name__ == "__main__":
    sys.exit(main())
