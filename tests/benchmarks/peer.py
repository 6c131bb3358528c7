"""The peer that UltraCart's own advice leads to: Flask, gunicorn and RQ on Redis, against the daemon.

Redis keeps a log that it syncs at every write (``appendfsync always``). gunicorn runs as a sensible person with two
cores would run it: ``WEB`` is the best for the peer of what was tried, ``sync`` with two and three processes,
``gthread`` with one of 16 threads, two of eight and three of four.
"""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hand_loop
import process
import scene
from bench import IDLE, Bench, middle, rates, ratios, side
from drain import the_same
from figure import Figure
from process import HERE, Server

WEB = ("--workers", "2", "--worker-class", "gthread", "--threads", "8")
_LISTENING = "Listening at: http://127.0.0.1:"
_SHAPES = (("2 KB", 0, 32), ("900 KB", scene.LARGE, 8))
_BOOKED = 1_000
_BOOKED_FORKING = 150


@dataclass(frozen=True, slots=True)
class Peer:
    """The peer, running: its web half as a server, all its processes, and the database that its job books in."""

    server: Server
    processes: "tuple[subprocess.Popen[bytes], ...]"
    database: Path

    def mib(self) -> float:
        """Return what all its processes have in memory now."""
        return process.mib(*self.processes)


def needed() -> str:
    """Return the program of Redis; ends the run where it or a package of the peer is missing, saying which."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("the rows against Flask and RQ need Redis: apt install redis-server")
    missing = [name for name in ("flask", "gunicorn", "redis", "rq") if find_spec(name) is None]
    if missing:
        raise SystemExit(f"the rows against Flask and RQ need {', '.join(missing)}: pip install -e '.[bench]'")
    return program


@contextmanager
def peer(bench: Bench, worker: str | None, web: tuple[str, ...] = WEB) -> Iterator[Peer]:
    """Run the peer until the block ends, with a worker of RQ (peer_worker.py) or none."""
    folder = bench.place("peer")
    folder.mkdir()
    database = bench.shop(pieces=50_000).with_name("stock.db")
    socket = folder / "redis.sock"
    known = {
        "PEER_REDIS": str(socket),
        "PEER_TOKEN": scene.TOKEN,
        "PEER_DATABASE": str(database),
        "PYTHONPATH": str(HERE),
    }
    with ExitStack() as stack:
        redis = stack.enter_context(process.running(_redis(folder, socket), folder / "redis.log"))
        process.told(redis, folder / "redis.log", lambda line: 1 if "eady to accept connections" in line else None)
        family = [redis]
        if worker is not None:
            command = (sys.executable, str(HERE / "peer_worker.py"), worker)
            working = stack.enter_context(process.running(command, folder / "worker.log", known, stop=signal.SIGTERM))
            process.told(working, folder / "worker.log", lambda line: 1 if line.startswith("ready") else None)
            family.append(working)
        began = time.perf_counter()
        command = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", *web, "peer_app:app")
        web_half = stack.enter_context(process.running(command, folder / "web.log", known))
        port = process.told(web_half, folder / "web.log", _port)
        server = Server(web_half, port, time.perf_counter() - began)
        yield Peer(server, (*family, web_half), database)


def intake(bench: Bench) -> list[Figure]:
    """Measure both in turn, at 2 KB and at 900 KB, with their workers and without."""
    figures = []
    for words, size, connections in _SHAPES:
        for working, least in ((True, 1.5), (False, 2.0)):
            figures += _intake(bench, words, size, connections, working=working, least=least)
    return figures


def _intake(bench: Bench, words: str, size: int, connections: int, *, working: bool, least: float) -> Iterator[Figure]:
    ours: list[Any] = []
    theirs: list[Any] = []
    used: tuple[list[float], list[float]] = ([], [])
    for number in range(min(3, bench.size.rounds)):
        with peer(bench, "simple" if working else None) as other:
            how = {"run": number, "seconds": bench.size.seconds, "size": size}
            theirs.append(process.load(other.server, connections, others=other.processes, **how))
            used[1].append(other.mib())
        with process.daemon(bench.shop(pieces=50_000), *(() if working else (IDLE,))) as server:
            ours.append(process.load(server, connections, **how))
            used[0].append(process.mib(server.process))
    ratio, spread = ratios(rates(ours), rates(theirs))
    sides = (
        side("stockhook", ours, middle(used[0])),
        side("Flask, gunicorn, RQ, Redis", theirs, middle(used[1])),
    )
    state = "workers on" if working else "workers paused"
    note = f"{connections} connections, middle of {len(ours)} rounds of {bench.size.seconds:g} s"
    yield Figure(f"intake to Flask and RQ, {words}, {state}", ratio, least=least, spread=spread, sides=sides, note=note)
    if working:
        tail = [mine["p99_ms"] / other["p99_ms"] for mine, other in zip(ours, theirs, strict=True)]
        yield Figure(f"its p99 to theirs, {words}, {state}", middle(tail), most=1, spread=(min(tail), max(tail)))


def booked(bench: Bench) -> list[Figure]:
    """Measure from the first delivery posted to the last one booked, posted as fast as each side takes them."""
    number = min(_BOOKED, bench.size.events)
    ours: list[Any] = []
    theirs: list[Any] = []
    used: tuple[list[float], list[float]] = ([], [])
    for run in range(min(3, bench.size.rounds)):
        with peer(bench, "simple") as other:
            theirs.append(_until_booked(other.server, other.database, run, number))
            used[1].append(other.mib())
        config = bench.shop(pieces=50_000)
        with process.daemon(config) as server:
            ours.append(_until_booked(server, config.with_name("stock.db"), run, number))
            used[0].append(process.mib(server.process))
            bench.note_memory(server)
        the_same(hand_loop.counts(config.with_name("stock.db")), hand_loop.counts(other.database), "the peer")
    few = min(_BOOKED_FORKING, number)
    with peer(bench, "forking") as other:
        forked = _until_booked(other.server, other.database, 0, few)
        forking = side("the same, RQ's default worker", [forked], other.mib())
    ratio, spread = ratios(rates(ours), rates(theirs))
    sides = (
        side("stockhook", ours, middle(used[0])),
        side("Flask, gunicorn, RQ SimpleWorker", theirs, middle(used[1])),
        forking,
    )
    note = f"{number:,} deliveries of {scene.LINES} lines ({few} with a fork for each), middle of {len(ours)} rounds"
    return [Figure("posted to booked, to Flask and RQ", ratio, least=3, spread=spread, sides=sides, note=note)]


def _until_booked(server: Server, database: Path, run: int, number: int) -> Any:
    """Return how many deliveries a second went the whole way, and how long their senders waited for answers."""
    answers = process.load(server, 32, run=run, requests=number)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        while connection.execute("SELECT count(*) FROM delivery WHERE state = 'worked'").fetchone()[0] < number:
            time.sleep(0.01)
        over = time.time()
        first = connection.execute("SELECT min(received_at) FROM delivery").fetchone()[0] / 1e6
    return {"per_second": number / (over - first), "p50_ms": answers["p50_ms"], "p99_ms": answers["p99_ms"]}


def _redis(folder: Path, socket: Path) -> tuple[str, ...]:
    program = needed()
    durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    return (program, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), *durable)


def _port(line: str) -> int | None:
    _, found, rest = line.partition(_LISTENING)
    return int(rest.split()[0]) if found else None
