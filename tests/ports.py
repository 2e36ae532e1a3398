"""Ports for servers that tests start."""

import socket


def free_ports(count: int) -> list[int]:
    """Ports of this machine's loopback that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
