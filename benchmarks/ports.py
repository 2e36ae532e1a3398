"""Ports for the measured servers."""

import socket
import time


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def wait_until_open(port: int, limit_s: float) -> None:
    """Wait until a server accepts connections. Raises `OSError` after `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)
