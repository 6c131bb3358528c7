"""Ports for what is to listen later, or again: nobody else is given one of them meanwhile."""

import random
import socket

_UNTAKEN = range(20_000, 32_000)
"""Ports below those that the system gives out by itself."""


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens, and which the system gives to no connection."""
    for port in random.sample(_UNTAKEN, len(_UNTAKEN)):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
