"""The load: so many connections, each sends its next delivery when the last one is answered; prints JSON.

``python tests/benchmarks/load.py PORT PATH CONNECTIONS --seconds S | --requests N [--run R]``. Plain sockets and no
parsing beyond the status, so that the client is not what is measured.
"""

import argparse
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator

import scene

WARM_UP = 0.2
"""The part of the time that is not counted: the first requests of each process are slow."""
_OK = b"HTTP/1.1 200"


class Load:
    """Keeps connections busy and notes how long each answer took."""

    def __init__(self, port: int, path: str, bodies: Iterator[bytes]) -> None:
        self._address = ("127.0.0.1", port)
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        self._bodies = bodies
        self._selector = selectors.DefaultSelector()
        self._sent_at: dict[socket.socket, float] = {}
        self.took: list[tuple[float, float]] = []
        self.refused = 0

    def run(self, connections: int, seconds: float, requests: int) -> float:
        """Send for so long, or so many, and return the moment of the first request."""
        opened = [socket.create_connection(self._address) for _ in range(connections)]
        began = time.perf_counter()
        ends = began + seconds
        left = requests
        for one in opened:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(one, selectors.EVENT_READ)
        for one in opened[:left]:
            self._send(one)
            left -= 1
        while self._sent_at:
            for key, _ in self._selector.select():
                one = key.fileobj
                now = self._receive(one)
                if left > 0 and now < ends:
                    self._send(one)
                    left -= 1
        for one in opened:
            one.close()
        return began

    def _send(self, one: socket.socket) -> None:
        body = next(self._bodies)
        self._sent_at[one] = time.perf_counter()
        one.sendall(f"{self._head}{len(body)}\r\n\r\n".encode() + body)

    def _receive(self, one: socket.socket) -> float:
        answer = one.recv(4096)
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += one.recv(4096)
        now = time.perf_counter()
        if answer.startswith(_OK):
            sent = self._sent_at.pop(one)
            self.took.append((now, now - sent))
        else:
            del self._sent_at[one]
            self.refused += 1
        return now


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("connections", type=int)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--requests", type=int, default=1 << 60)
    parser.add_argument("--run", type=int, default=0)
    given = parser.parse_args()
    load = Load(given.port, given.path, scene.bodies(given.run))
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
