"""Guessing passwords made slow: how many failed log-ins a source may have."""

from collections import OrderedDict
from ipaddress import IPv6Address
from math import ceil
from time import monotonic

MAX_SOURCES = 10_000  # remembered at once, about 2 MB; beyond, the one longest quiet is forgotten
_IPV6_HOST_BITS = 64  # a customer gets at least a /64, and so has that many addresses to guess from


class FailedLogins:
    """A token bucket a source: so many failures at once, then as many a minute.

    It knows what this process has seen. With several processes (instances of a Lambda), a source
    has as many tries as there are processes that answer it.

    Args:
        per_minute: failures that a source may have in a minute.
    """

    def __init__(self, per_minute: int) -> None:
        self._capacity, self._refill_per_s = per_minute, per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, source: str) -> int:
        """Whole seconds until the source may try again; 0 if it may now."""
        missing = 1 - self._tokens(_network(source))
        return ceil(missing / self._refill_per_s) if missing > 0 else 0

    def add(self, source: str) -> None:
        """Count a failure."""
        network = _network(source)
        self._buckets[network] = (self._tokens(network) - 1, monotonic())
        self._buckets.move_to_end(network)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)

    def _tokens(self, network: str) -> float:
        tokens, at = self._buckets.get(network, (self._capacity, 0.0))
        return min(self._capacity, tokens + (monotonic() - at) * self._refill_per_s)


def _network(source: str) -> str:
    """An IPv6 address as its /64, one of IPv4 in its IPv6 form as IPv4, the rest as it is."""
    if ":" not in source:  # parsing takes longer than all the rest of a log-in
        return source
    try:
        address = IPv6Address(source)
    except ValueError:
        return source
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
