"""How long the store waits for its answer while the daemon has much to work: an open stream, and large messages."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import process
import scene
from bench import Bench, drained, pace, side
from figure import Figure
from process import HERE, PATH, Server

_RATE = 100
_PIECES = 100_000


def open_stream(bench: Bench) -> list[Figure]:
    """Measure 100 deliveries a second while a backlog drains, and with nothing else to do."""
    config = bench.shop(pieces=_PIECES)
    database = config.with_name("stock.db")
    scene.backlog(config, scene.bodies(0), bench.size.backlog)
    os.sync()  # what the preparation has left to be written is not the daemon's to wait for
    over = bench.folder / "drained"
    with process.daemon(config) as server:
        with _sending(server, run=1, until=over) as answers:
            drained(database, bench.size.long)
            over.touch()
        busy = process.measured(answers())
        used = bench.note_memory(server)
    worked = pace(database)
    config = bench.shop(pieces=_PIECES)
    os.sync()
    with process.daemon(config) as server:
        with _sending(server, run=2, seconds=max(1.5, bench.size.long / 6)) as answers:
            pass
        idle = process.measured(answers())
        sides = (
            side("draining", [busy], used, f"{worked:,.0f} events/s worked"),
            side("idle", [idle], bench.note_memory(server)),
        )
    note = (
        f"{_RATE} deliveries of 2 KB a second, each counted from its moment, while {bench.size.backlog:,} events drain,"
        f" for at most {bench.size.long:g} s"
    )
    return [
        Figure("p99 of an open stream while draining", busy["p99_ms"], "ms", most=25, note=note, sides=sides),
        Figure("p99 of an open stream, idle", idle["p99_ms"], "ms"),
    ]


def large(bench: Bench) -> list[Figure]:
    """Measure one connection that sends 900 KB back to back: the events in them are the backlog."""
    config = bench.shop(pieces=_PIECES)
    scene.backlog(config, scene.bodies(0), bench.size.events)
    os.sync()
    with process.daemon(config) as server:
        found = process.load(server, 1, run=1, seconds=bench.size.long, size=scene.LARGE)
        used = server.peak_mib()
    note = f"one connection, 900 KB back to back for {bench.size.long:g} s while draining"
    sides = (side("stockhook", [found], used),)
    return [Figure("p99 of large messages while draining", found["p99_ms"], "ms", most=100, note=note, sides=sides)]


@contextmanager
def _sending(server: Server, *, run: int, until: Path | None = None, seconds: float | None = None) -> Iterator[Any]:
    """Send deliveries during the block, and then yield what returns the measurement as it was printed."""
    how = ("--until", str(until)) if until is not None else ("--seconds", str(seconds))
    command = (sys.executable, HERE / "open_loop.py", str(server.port), PATH, str(_RATE), *how, "--run", str(run))
    sender = subprocess.Popen(command, stdout=subprocess.PIPE)
    printed: list[bytes] = []
    try:
        yield lambda: printed[0]
        printed.append(sender.communicate()[0])
        if sender.returncode:
            raise SystemExit(f"the load ended with {sender.returncode}")
    finally:
        sender.kill()
        sender.wait()
