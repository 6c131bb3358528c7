"""What is measured: each function runs one experiment and returns its figures."""

import shutil
import sqlite3
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hand_loop
import process
import scene
from figure import Figure
from slow_disk import MILLISECONDS, slow_disk

CONNECTIONS = 32
_IDLE = process.altered("--no-worker")


@dataclass(slots=True)
class Bench:
    """One run: where its files are, how much of everything is done, and the most memory any daemon has had."""

    folder: Path
    rounds: int
    seconds: float
    events: int
    starts: int
    peak: float = 0.0
    _places: int = field(default=0)

    def shop(self) -> Path:
        """Set up a fresh shop and return its configuration."""
        self._places += 1
        config = scene.configure(self.folder / f"shop-{self._places}")
        scene.stock(config)
        return config

    def note_memory(self, server: process.Server) -> None:
        """Note how much memory a daemon has had."""
        self.peak = max(self.peak, server.peak_mib())


def intake(bench: Bench) -> list[Figure]:
    """Measure bare server, daemon, and daemon without its worker in turn, so that each meets the same machine."""
    bare: list[Any] = []
    shipped: list[Any] = []
    idle: list[Any] = []
    config, quiet = bench.shop(), bench.shop()
    for number in range(bench.rounds):
        with process.bare(bench.folder) as server:
            bare.append(process.load(server, CONNECTIONS, run=number, seconds=bench.seconds))
        with process.daemon(config) as server:
            shipped.append(process.load(server, CONNECTIONS, run=number, seconds=bench.seconds))
            _drained(config.with_name("stock.db"))
            bench.note_memory(server)
        with process.daemon(quiet, _IDLE) as server:
            idle.append(process.load(server, CONNECTIONS, run=number, seconds=bench.seconds))
            bench.note_memory(server)
    rates = [_middle(each, "per_second") for each in (bare, shipped, idle)]
    times = [
        f"p50 {_middle(each, 'p50_ms'):.0f} ms, p99 {_middle(each, 'p99_ms'):.0f} ms" for each in (bare, shipped, idle)
    ]
    ratios = [_ratios(some, bare) for some in (shipped, idle)]
    of = f"middle of {bench.rounds} rounds of {bench.seconds:g} s"
    return [
        Figure("bare Tornado handler", rates[0], "/s", note=f"{times[0]}; {CONNECTIONS} connections, 2 KB, {of}"),
        Figure("intake, worker on", rates[1], "/s", note=times[1]),
        Figure("intake, worker on, to the bare handler", ratios[0], "", least=0.4, note="daemon as shipped"),
        Figure("intake, worker off", rates[2], "/s", note=times[2]),
        Figure("intake, worker off, to the bare handler", ratios[1], ""),
    ]


def group_commit(bench: Bench) -> list[Figure]:
    """Measure commits of what has gathered against one commit per delivery, on a slow disk, the worker off in both."""
    way = slow_disk(bench.folder)
    rates = []
    for group in ((), ("--group", "1")):
        with process.daemon(
            bench.shop(), process.altered("--no-worker", *way.options, *group), **way.environment
        ) as server:
            found = process.load(server, CONNECTIONS, run=0, seconds=bench.seconds)
            rates.append(found["per_second"])
            bench.note_memory(server)
    note = f"{rates[0]:.0f}/s to {rates[1]:.0f}/s, each fsync {MILLISECONDS} ms longer: {way.words}"
    return [Figure("group commit, to one commit per request", rates[0] / rates[1], "x", least=5, note=note)]


def drain(bench: Bench) -> list[Figure]:
    """Measure how fast stored events are worked by the daemon and, on a copy of the same file, by a loop by hand."""
    config = bench.shop()
    database = config.with_name("stock.db")
    with process.daemon(config, _IDLE) as server:
        process.load(server, CONNECTIONS, run=0, requests=bench.events)
        bench.note_memory(server)
    by_hand = bench.folder / "by-hand.db"
    shutil.copy(database, by_hand)
    first = bench.events / hand_loop.drain(by_hand)
    with process.daemon(config) as server:
        ours = bench.events / _drained(database)
        bench.note_memory(server)
    if hand_loop.counts(database) != hand_loop.counts(by_hand):
        found = f"{hand_loop.counts(database)} by the daemon, {hand_loop.counts(by_hand)} by hand"
        raise SystemExit(f"daemon and hand-written loop have not written the same: {found}")
    note = f"{bench.events:,} stored events of {scene.LINES} lines"
    return [
        Figure("hand-written sqlite3 loop", first, "events/s", note=f"batches of {hand_loop.BATCH}, the same rows"),
        Figure("drain", ours, "events/s", least=2000, note=note),
        Figure("drain, to the hand-written loop", ours / first, "", least=0.15),
    ]


def start(bench: Bench) -> list[Figure]:
    """Measure from the start of the process to its line that it listens, on a new file and on one that is there."""
    config = scene.configure(bench.folder / "started")
    taken = []
    for _ in range(bench.starts + 1):
        with process.daemon(config) as server:
            taken.append(server.started)
            bench.note_memory(server)
    first, *others = taken
    note = f"middle of {len(others)}; {first:.2f} s with a new database"
    return [Figure("start to listening", statistics.median(others), "s", most=1, note=note)]


def memory(bench: Bench) -> list[Figure]:
    """Return the most memory any of the daemons has had, to be asked for last."""
    return [Figure("peak memory", bench.peak, "MiB", most=150, note="resident, the largest of all daemons above")]


def _drained(database: Path) -> float:
    """Wait until nothing is pending and return how many seconds the worker needed for it."""
    began = time.perf_counter()
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    while connection.execute("SELECT EXISTS (SELECT 1 FROM delivery WHERE state = 'pending')").fetchone()[0]:
        time.sleep(0.02)
    connection.close()
    return time.perf_counter() - began


def _middle(rounds: list[Any], name: str) -> float:
    return statistics.median(found[name] for found in rounds)


def _ratios(some: list[Any], peers: list[Any]) -> float:
    """Return the middle ratio of neighbours in time: what else runs on the machine slows both alike."""
    return statistics.median(one["per_second"] / peer["per_second"] for one, peer in zip(some, peers, strict=True))
