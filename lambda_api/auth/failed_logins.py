"""Rate limiting of failed logins per client address."""

from collections import OrderedDict
from ipaddress import IPv6Address
from math import ceil
from time import monotonic

MAX_SOURCES = 10_000  # about 2 MB; beyond, the source with the oldest failure is dropped
_IPV6_HOST_BITS = 64  # a customer controls at least a /64


class FailedLogins:
    """A token bucket per client address: a burst of failures, then a steady rate.

    The buckets are per process. With several processes (instances of a Lambda), each process
    allows its own failures.

    Args:
        per_minute: burst size, and allowed failures per minute.
    """

    def __init__(self, per_minute: int) -> None:
        self._capacity, self._refill_per_s = per_minute, per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, source: str) -> int:
        """Return the whole seconds until the address may try again, 0 if it may now."""
        missing = 1 - self._tokens(_network(source))
        return ceil(missing / self._refill_per_s) if missing > 0 else 0

    def add(self, source: str) -> None:
        """Count a failure of an address."""
        network = _network(source)
        self._buckets[network] = (self._tokens(network) - 1, monotonic())
        self._buckets.move_to_end(network)
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)

    def _tokens(self, network: str) -> float:
        tokens, updated_at = self._buckets.get(network, (self._capacity, 0.0))
        return min(self._capacity, tokens + (monotonic() - updated_at) * self._refill_per_s)


def _network(source: str) -> str:
    """Return the /64 of an IPv6 address, and any other address unchanged.

    An IPv4-mapped IPv6 address is returned as IPv4.
    """
    if ":" not in source:  # fast path: parsing would take most of the time of a login
        return source
    try:
        address = IPv6Address(source)
    except ValueError:
        return source
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
