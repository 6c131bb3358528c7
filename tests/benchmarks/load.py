"""The load: so many connections, each sends its next delivery when the last one is answered; prints JSON.

``python tests/benchmarks/load.py PORT PATH CONNECTIONS --seconds S | --requests N [--run R] [--size BYTES]``. Plain
sockets and no parsing beyond the status, so that the client is not what is measured. A server that closes its
connection after an answer gets a new one, as it would from any client.
"""

import argparse
import contextlib
import json
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import scene

WARM_UP = 0.2
"""The part of the time that is not counted: the first requests of each process are slow."""
_OK = b"HTTP/1.1 200"
_LAST = b"connection: close"

Bodies: TypeAlias = Iterator[bytes] | Iterator[memoryview]
"""What one connection sends, one after the other; each may be gone when the next one is made."""


class Load:
    """Keeps connections busy and notes how long each answer took."""

    def __init__(self, port: int, path: str, bodies: Callable[[], Bodies]) -> None:
        """Take where to send to, and what makes the bodies of a connection."""
        self._address = ("127.0.0.1", port)
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        self._selector = selectors.DefaultSelector()
        self._sent_at: dict[socket.socket, float] = {}
        self._bodies_of = bodies
        self._bodies: dict[socket.socket, Bodies] = {}
        self._unsent: dict[socket.socket, list[memoryview]] = {}
        self._free: list[socket.socket] = []
        self.took: list[tuple[float, float]] = []
        self.refused = 0

    def run(self, connections: int, seconds: float, requests: int) -> float:
        """Send for so long, or so many, and return the moment of the first request."""
        self._free = [self._connect(self._bodies_of()) for _ in range(connections)]
        now = began = time.perf_counter()
        ends = began + seconds
        left = requests
        while True:
            while self._free and left > 0 and now < ends:
                self._start(self._free.pop())
                left -= 1
            if not self._sent_at:
                break
            for key, _ in self._selector.select():
                if key.fileobj in self._unsent:
                    self._send(key.fileobj)
                else:
                    now = self._receive(key.fileobj)
        for one in self._free:
            one.close()
        return began

    def _start(self, one: socket.socket) -> None:
        body = memoryview(next(self._bodies[one]))
        self._sent_at[one] = time.perf_counter()
        self._unsent[one] = [memoryview(f"{self._head}{len(body)}\r\n\r\n".encode()), body]
        self._send(one)

    def _send(self, one: socket.socket) -> None:
        """Send what the connection takes; the rest goes when it takes more."""
        waiting = self._unsent.pop(one)
        with contextlib.suppress(BlockingIOError):
            waiting = _rest(waiting, one.sendmsg(waiting, (), socket.MSG_DONTWAIT))
        if waiting:
            self._unsent[one] = waiting
        self._selector.modify(one, selectors.EVENT_WRITE if waiting else selectors.EVENT_READ)

    def _receive(self, one: socket.socket) -> float:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _read(one)
        head, _, rest = answer.partition(b"\r\n\r\n")
        fields = head.lower()
        length = int(fields.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += _read(one)
        now = time.perf_counter()
        sent = self._sent_at.pop(one)
        if answer.startswith(_OK):
            self.took.append((now, now - sent))
        else:
            self.refused += 1
        self._free.append(self._again(one) if _LAST in fields else one)
        return now

    def _connect(self, bodies: Bodies) -> socket.socket:
        one = socket.create_connection(self._address)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(one, selectors.EVENT_READ)
        self._bodies[one] = bodies
        return one

    def _again(self, one: socket.socket) -> socket.socket:
        self._selector.unregister(one)
        one.close()
        return self._connect(self._bodies.pop(one))


def _rest(parts: list[memoryview], sent: int) -> list[memoryview]:
    """Return what is left of a message of which so many bytes have been sent, without a copy of it."""
    left = []
    for part in parts:
        if sent < len(part):
            left.append(part[sent:])
        sent = max(0, sent - len(part))
    return left


def _read(one: socket.socket) -> bytes:
    read = one.recv(4096)
    if not read:
        raise ConnectionError("the server closed a connection that waited for its answer")
    return read


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("connections", type=int)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--requests", type=int, default=1 << 60)
    parser.add_argument("--run", type=int, default=0)
    parser.add_argument("--size", type=int, default=0)
    given = parser.parse_args()
    singles = scene.bodies(given.run)
    batches = scene.batches(given.run, given.size) if given.size else None
    load = Load(given.port, given.path, lambda: singles if batches is None else next(batches))
    began = load.run(given.connections, given.seconds, given.requests)
    warm = began + (WARM_UP * given.seconds if given.seconds < 1e9 else 0)
    counted = [(moment, took) for moment, took in load.took if moment >= warm]
    spent = max(moment for moment, _ in counted) - warm
    times = sorted(took for _, took in counted)
    result = {
        "answered": len(load.took),
        "refused": load.refused,
        "per_second": len(counted) / spent,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3,
        "longest_ms": times[-1] * 1e3,
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
