"""One run of the benchmark: where its files are, how much of everything is done, and what rounds amount to.

What is told of a side (``Side``), and why not all of it everywhere:

- requests (intake, group commit, peer, open stream, large messages): rate, p50, p99, memory; processor time besides
  where a closed loop sends as fast as it is answered
- posted to booked: the rate of the whole way, p50 and p99 of the answers to what is posted, memory
- drain, growth, many daemons: the rate and memory of the daemons. Nobody waits for an answer there: how long an event
  of a backlog waits is a matter of the backlog. The loop by hand has no memory of its own: it is part of the benchmark.
- answers, pages, lists: p50 and p95 or p99 of each kind of question, asked one after the other; the row is the slowest
- start, soak: one figure each, of one side; the memory of the daemons that were started is in the last row
"""

import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import process
import psycopg
import scene
from figure import Side
from ledger import fill

sys.path.insert(0, str(process.HERE.parent / "shared"))
from postgres import libpq  # found in what the tests share

Database: TypeAlias = Path | str
"""An SQLite file, or the URL of a database on PostgreSQL."""

Ask: TypeAlias = Callable[[str], Any]
"""Returns the first row of a statement, None where there is none."""

IDLE = process.altered("--no-worker")
"""A daemon that takes in and works nothing."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: rounds of so many seconds, events of a backlog, starts, and the larger experiments' own."""

    rounds: int
    seconds: float
    events: int
    starts: int
    backlog: int
    """Events that drain while others arrive."""
    long: float
    """Seconds of an experiment that needs time to show anything."""
    ledger: int
    """Movements of the ledger that has grown."""
    asked: int
    """How often it is asked for something."""
    soak: float
    """Seconds of the soak."""
    apart: int
    """Deliveries in a row without a common item: for a measurement more than four daemons have in their hands."""
    settling: float
    """Seconds in which several daemons are done with starting, the pages that they load behind it included."""


FULL = Size(
    rounds=5,
    seconds=2.5,
    events=10_000,
    starts=7,
    backlog=100_000,
    long=60.0,
    ledger=1_000_000,
    asked=200,
    soak=600.0,
    apart=2_000,
    settling=8.0,
)
QUICK = Size(
    rounds=1,
    seconds=0.5,
    events=200,
    starts=1,
    backlog=300,
    long=1.0,
    ledger=2_000,
    asked=3,
    soak=2.0,
    apart=50,
    settling=0.0,
)


@dataclass(slots=True)
class Bench:
    """One run, and the most memory any daemon as shipped has had."""

    folder: Path
    size: Size
    peak: float = 0.0
    _places: int = field(default=0)
    _grown: Path | None = field(default=None)

    @property
    def rounds_of_a_drain(self) -> int:
        """How often a backlog is drained: each time takes longer than a round of load, and varies less."""
        return min(3, self.size.rounds)

    def place(self, name: str) -> Path:
        """Return the path of a folder that is not there yet."""
        self._places += 1
        return self.folder / f"{name}-{self._places}"

    def shop(self, *, url: str | None = None, pieces: int = scene.UNIT_SIZE) -> Path:
        """Set up a fresh shop and return its configuration."""
        config = scene.configure(self.place("shop"), url)
        scene.stock(config, pieces)
        return config

    def grown(self) -> Path:
        """Return the configuration of a shop with years behind it, which is made once."""
        if self._grown is None:
            config = scene.configure(self.place("grown"))
            movements = self.size.ledger
            units = max(movements // 20, scene.ITEMS * scene.UNITS + 100)
            fill(config, movements=movements, orders=movements // 10, units=units)
            self._grown = config
        return self._grown

    def note_memory(self, server: process.Server) -> float:
        """Note how much memory a daemon has had, and return it."""
        self.peak = max(self.peak, server.peak_mib())
        return server.peak_mib()


@contextmanager
def asking(database: Database) -> Iterator[Ask]:
    """Yield what asks a database, while others work in it."""
    if isinstance(database, Path):
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            yield lambda statement: connection.execute(statement).fetchone()
    else:
        with psycopg.connect(libpq(database), autocommit=True) as server:
            yield lambda statement: server.execute(statement.encode()).fetchone()


def drained(database: Database, most: float = 1e9) -> float:
    """Wait until nothing is pending, or so many seconds, and return how many that took."""
    began = time.perf_counter()
    with asking(database) as ask:
        while ask("SELECT 1 FROM delivery WHERE state = 'pending' LIMIT 1") and time.perf_counter() - began < most:
            time.sleep(0.02)
    return time.perf_counter() - began


def pace(database: Database, since: float = 0.0) -> float:
    """Return how many events a second were worked, from the first batch to the last, by their own times.

    ``since``, in seconds since 1970, leaves out what was worked earlier.
    """
    worked = f"FROM event WHERE finished_at >= {since * 1e6:.0f}"
    with asking(database) as ask:
        number, first, last = ask(f"SELECT count(*), min(finished_at), max(finished_at) {worked}")
        if first == last:  # one batch, or none: a smoke run
            return float(number)
        # the time of an event is that of its batch's beginning: the last batch has no end to be seen
        [before] = ask(f"SELECT count(*) {worked} AND finished_at < {last}")
    return float(before / ((last - first) / 1e6))


def middle(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def ratios(some: Sequence[float], peers: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Return the middle ratio of neighbours in time, and the smallest and the largest.

    What else runs on the machine slows both neighbours alike.
    """
    found = [one / peer for one, peer in zip(some, peers, strict=True)]
    return middle(found), (min(found), max(found))


def side(name: str, rounds: Sequence[Any], mib: float | None = None, note: str = "") -> Side:
    """Return what a load has measured in all rounds, in the middle."""
    rate, p50, p99 = (middle(found[key] for found in rounds) for key in ("per_second", "p50_ms", "p99_ms"))
    cpu = middle(found["cpu_ms"] for found in rounds) if all("cpu_ms" in found for found in rounds) else None
    return Side(name, rate, p50, p99, mib, note, cpu)


def rates(rounds: Sequence[Any]) -> list[float]:
    """Return the rate of each round."""
    return [found["per_second"] for found in rounds]
