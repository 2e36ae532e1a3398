"""Ports for servers that tests start."""

import random
import socket
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

# Below the range from which Linux and macOS choose ports for clients, so that no client takes a
# port between this check and the start of the server.
FIRST, END = 20_000, 32_000
LOCKS = Path(tempfile.gettempdir()) / "landscape-classifier-ports"

_held: list[FileLock] = []


def free_ports(count: int) -> list[int]:
    """Return unused ports of the loopback interface.

    They are reserved for this process until it ends: other test processes get other ports.
    """
    LOCKS.mkdir(exist_ok=True)
    ports: list[int] = []
    candidates = iter(random.SystemRandom().sample(range(FIRST, END), END - FIRST))
    while len(ports) < count:
        port = next(candidates)
        if _reserve(port):
            ports.append(port)
    return ports


def _reserve(port: int) -> bool:
    lock = FileLock(LOCKS / str(port))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        lock.release()
        return False
    _held.append(lock)
    return True
