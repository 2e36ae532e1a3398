"""Near duplicates by hash: equal to comparing all pairs, in bounded memory."""

import tracemalloc

import numpy as np
import numpy.typing as npt

from training.audit.duplicates import BLOCK, BOTH, PERCEPTUAL, group

Fingerprints = npt.NDArray[np.uint64]


def _random(n: int, seed: int = 0) -> Fingerprints:
    return np.random.default_rng(seed).integers(0, 2**64, (n, 5), dtype=np.uint64)


def _flipped(fingerprint: Fingerprints, perceptual: int, difference: int) -> Fingerprints:
    """With that many bits of the one and the other hash turned over."""
    rng = np.random.default_rng(1)
    bits = np.unpackbits(fingerprint.view(np.uint8))
    bits[rng.choice(256, perceptual, replace=False)] ^= 1
    bits[256 + rng.choice(64, difference, replace=False)] ^= 1
    return np.packbits(bits).view(np.uint64)


def test_groups_equal_those_of_comparing_all_pairs() -> None:
    some = _random(40)
    altered = [
        _flipped(some[i], p, d)
        for i, (p, d) in enumerate(
            (p, d) for p in (0, 60, 64, 80, 82, 128) for d in (0, 12, 16, 20)
        )
    ]
    fingerprints = np.concatenate([some, altered])
    bits = np.unpackbits(fingerprints.view(np.uint8).reshape(len(fingerprints), -1), axis=1)
    numbers = group(fingerprints)
    for i in range(len(fingerprints)):
        for j in range(len(fingerprints)):
            perceptual = int((bits[i, :256] != bits[j, :256]).sum())
            difference = int((bits[i, 256:] != bits[j, 256:]).sum())
            near = perceptual <= PERCEPTUAL and perceptual / 4 + difference <= BOTH
            assert (numbers[i] == numbers[j]) == near


def test_groups_span_blocks_and_chains() -> None:
    fingerprints = _random(2 * BLOCK + 50)
    near = _flipped(fingerprints[3], 50, 5)
    fingerprints[BLOCK + 7] = near
    fingerprints[2 * BLOCK + 40] = _flipped(near, 70, 10)  # too far from the first
    numbers = group(fingerprints)
    together = np.flatnonzero(numbers == numbers[3])
    assert together.tolist() == [3, BLOCK + 7, 2 * BLOCK + 40]
    assert len(np.unique(numbers)) == len(fingerprints) - 2


def test_memory_stays_bounded_if_all_pictures_are_equal() -> None:
    n = 4000
    fingerprints = np.repeat(_random(1), n, axis=0)
    tracemalloc.start()
    numbers = group(fingerprints)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(np.unique(numbers)) == 1
    assert peak < n * n / 2 * 16 * 0.75  # bytes; two indices a pair would be 128 MB


def test_no_pictures_give_no_groups() -> None:
    assert group(np.empty((0, 5), dtype=np.uint64)).size == 0
