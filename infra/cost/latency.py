"""Model of the function's latency by its memory, based on the measurements of `make bench`.

The service computes in one thread. Lambda assigns CPU in proportion to the memory, one full virtual
CPU at 1769 MB (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Below that,
the latency grows as the memory shrinks; above it, the latency stays the same. The model assumes
that a virtual CPU of Lambda is as fast as the CPU of the benchmark.
"""

import json
from dataclasses import dataclass
from pathlib import Path

FULL_CPU_MB = 1769
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "service.json"
# Slope of the handler's CPU time, 6.0 to 26.8 ms for JPEGs of 5 to 1,396 kB, nearly linear.
MS_PER_KB = 0.015
PICTURE_KB = 8  # size of the benchmark's picture


@dataclass(frozen=True)
class Latency:
    """Milliseconds on one full CPU.

    Attributes:
        request_ms: median of a warm request with a picture in a form.
        init_ms: CPU time from the start of the process to a loaded model.
    """

    request_ms: float
    init_ms: float

    def request(self, memory_mb: int, picture_kb: float) -> float:
        """Milliseconds of a warm request."""
        extra = MS_PER_KB * max(0.0, picture_kb - PICTURE_KB)
        return (self.request_ms + extra) / _share(memory_mb)

    def init(self, memory_mb: int) -> float:
        """Milliseconds of the init phase of a cold start, which is billed too."""
        return self.init_ms / _share(memory_mb)


def read_latency() -> Latency:
    """Read the last results of the benchmark."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    return Latency(
        request_ms=results["warm"]["ms"]["handler_form"]["p50"],
        init_ms=results["cold_start"]["handler"]["import_cpu_ms"],
    )


def _share(memory_mb: int) -> float:
    return min(1.0, memory_mb / FULL_CPU_MB)
