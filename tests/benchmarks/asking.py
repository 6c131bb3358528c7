"""A daemon that is asked over HTTP: how long each kind of question takes it, and the row of the table that tells."""

import http.client
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from bench import middle
from figure import Figure, Side

_ANSWERED = (HTTPStatus.OK, HTTPStatus.SEE_OTHER)


@dataclass(slots=True)
class Asking:
    """One connection that is kept open, and what was taken for each kind of question, in milliseconds."""

    port: int
    taken: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    _connection: http.client.HTTPConnection | None = None

    def get(self, address: str) -> bytes:
        """Return an answer; whatever is neither a page nor leads to one ends the run."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connection.request("GET", address)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in _ANSWERED:
            raise SystemExit(f"{address} answers {answer.status}: {body[:200]!r}")
        return body

    def time(self, row: str, kind: str, address: str) -> None:
        """Ask, and note how long the answer took, to its last byte, under a row of the table."""
        began = time.perf_counter()
        self.get(address)
        self.taken[row][kind].append((time.perf_counter() - began) * 1e3)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def figures(self, what: str, most: float) -> list[Figure]:
        """Return a row each; what must stay below its bar is the slowest kind of question."""
        return [_figure(f"p95 of {what} {row}", kinds, most) for row, kinds in self.taken.items()]


def _figure(name: str, kinds: Mapping[str, Sequence[float]], most: float) -> Figure:
    slow = {kind: _p95(times) for kind, times in kinds.items()}
    sides = tuple(Side(kind, p50_ms=middle(times), p95_ms=slow[kind]) for kind, times in kinds.items())
    return Figure(name, max(slow.values()), "ms", most=most, sides=sides)


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[len(times) * 95 // 100]
