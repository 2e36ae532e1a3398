"""How long a request takes the function, by its memory: a model on what `make bench` measured.

The service is one thread that computes, and Lambda gives a function its share of the processor by
its memory, one whole virtual CPU at 1769 MB (https://docs.aws.amazon.com/lambda/latest/dg/
configuration-memory.html). So times grow as memory falls below that, and stay above it. That a
virtual CPU of Lambda's is as fast as the machine of the benchmark is assumed.
"""

import json
from dataclasses import dataclass
from pathlib import Path

FULL_CPU_MB = 1769
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "service.json"
# Of the handler's processor time with JPEGs of 5 to 1,396 kB: 6.0 to 26.8 ms, nearly a line.
MS_PER_KB = 0.015
PICTURE_KB = 8  # of the benchmark's picture


@dataclass(frozen=True)
class Latency:
    """Milliseconds on one whole processor.

    Attributes:
        request_ms: of a picture in a form, warm, median.
        init_ms: of processor time from the start to a loaded model.
    """

    request_ms: float
    init_ms: float

    def request(self, memory_mb: int, picture_kb: float) -> float:
        """Milliseconds of a warm request."""
        extra = MS_PER_KB * max(0.0, picture_kb - PICTURE_KB)
        return (self.request_ms + extra) / _share(memory_mb)

    def init(self, memory_mb: int) -> float:
        """Milliseconds of a cold start's init phase, which is billed too."""
        return self.init_ms / _share(memory_mb)


def read_latency() -> Latency:
    """The benchmark's last figures."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    return Latency(
        request_ms=found["warm"]["ms"]["handler_form"]["p50"],
        init_ms=found["cold_start"]["handler"]["import_cpu_ms"],
    )


def _share(memory_mb: int) -> float:
    return min(1.0, memory_mb / FULL_CPU_MB)
