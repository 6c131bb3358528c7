"""The load of a store that does not wait: so many deliveries a second, however long the answers take; prints JSON.

``python tests/benchmarks/open_loop.py PORT PATH RATE --seconds S | --until FILE [--run R]``. Each delivery has its
moment, and its time counts from then on, also where the client itself came late or no connection was free: who counts
from the sending leaves out just the deliveries that a slow answer held up. ``--until``: it ends when the file is there,
but not within a second.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import scene

_OK = b"HTTP/1.1 200"
_WARM_UP = 0.5
"""Seconds that are not counted: the first requests of each process are slow."""

_LEAST = 1.0
"""Seconds it sends in any case, so that something is measured."""
_IDLE = 30
"""Seconds without use after which a connection is left: the daemon closes it at 60, maybe just when it is used."""


class Sender:
    """Sends each delivery at its moment, on whichever connection is free, or on a new one."""

    def __init__(self, port: int, path: str, rate: float, bodies: Iterator[bytes]) -> None:
        self._port = port
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        self._every = 1 / rate
        self._bodies = bodies
        self._free: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = deque()
        self.took: list[float] = []
        self.refused = 0
        self.cut = 0

    async def run(self, seconds: float, over: Callable[[], bool]) -> None:
        """Send for so long, or until it is over, and wait for the last answers."""
        began = moment = time.perf_counter()
        async with asyncio.TaskGroup() as under_way:
            while moment - began < seconds and not (moment - began > _LEAST and over()):
                await asyncio.sleep(moment - time.perf_counter())
                under_way.create_task(self._deliver(moment, counts=moment - began >= _WARM_UP))
                moment += self._every

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection that was in use lately, or else a new one: the server closes those that are idle."""
        while self._free:
            reader, writer, since = self._free.pop()
            if not reader.at_eof() and time.perf_counter() - since < _IDLE:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def _deliver(self, moment: float, *, counts: bool) -> None:
        body = next(self._bodies)
        try:
            reader, writer = await self._connection()
            writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError):
            self.cut += 1
            return
        took = time.perf_counter() - moment
        if b"\r\nconnection: close\r\n" in head.lower():
            writer.close()
        else:
            self._free.append((reader, writer, time.perf_counter()))
        if not head.startswith(_OK):
            self.refused += 1
        elif counts:
            self.took.append(took)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("rate", type=float)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--until", type=Path)
    parser.add_argument("--run", type=int, default=0)
    given = parser.parse_args()
    sender = Sender(given.port, given.path, given.rate, scene.bodies(given.run))
    asyncio.run(sender.run(given.seconds, lambda: given.until is not None and given.until.exists()))
    times = sorted(sender.took)
    result = {
        "answered": len(times),
        "refused": sender.refused,
        "cut": sender.cut,
        "per_second": given.rate,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3,
        "longest_ms": times[-1] * 1e3,
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
