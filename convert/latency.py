"""How long an inference takes."""

import statistics
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lambda_api.classifier import Network

ROUNDS, INFERENCES = 8, 25
ROUND_S = 1.0  # what is slow gets fewer inferences


def latencies(networks: Sequence[Network], pixels: npt.NDArray[np.uint8]) -> list[float]:
    """Median milliseconds of an inference, one thread, of each network.

    They take turns, so that what else the machine does in the meantime befalls them all.

    Args:
        networks: of one input size.
        pixels: (height, width, 3).
    """
    seconds: list[list[float]] = [[] for _ in networks]
    for _ in range(ROUNDS):
        for network, its_seconds in zip(networks, seconds, strict=True):
            network.logits(pixels)  # not counted: its weights come back into the cache
            end = time.perf_counter() + ROUND_S
            for _ in range(INFERENCES):
                begin = time.perf_counter()
                network.logits(pixels)
                its_seconds.append(time.perf_counter() - begin)
                if time.perf_counter() > end:
                    break
    return [statistics.median(its_seconds) * 1000 for its_seconds in seconds]
