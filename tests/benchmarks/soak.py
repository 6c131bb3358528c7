"""What a daemon's memory, open files and write-ahead log do while it takes in and works an even stream for long."""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import process
import psutil
import scene
from bench import Bench
from figure import Figure
from process import HERE, PATH, Found, Server

_RATE = 200
_READER = 3
"""Files of one more connection to the database, which a thread may open late."""

_LOG = 70.0
"""MiB: the size from which on the log is folded in, and what may be written until that is done."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a daemon: its memory in MiB, its open files, the size of its write-ahead log in MiB."""

    mib: float
    files: int
    log: float


def soak(bench: Bench) -> list[Figure]:
    """Compare the last tenth of the time with the second: by then its caches are in use."""
    config = bench.shop(pieces=100_000)
    with process.daemon(config) as server:
        seen, sent = _watched(server, config.with_name("stock.db-wal"), bench.size.soak)
        bench.note_memory(server)
    tenth = max(1, len(seen) // 10)
    parts = (seen[tenth : 2 * tenth] or seen, seen[-tenth:])
    early, late = (statistics.median(each.mib for each in part) for part in parts)
    # the fewest of each: connections come and go, what is never closed stays
    few, still = (min(each.files for each in part) for part in parts)
    note = (
        f"{_RATE} deliveries of 2 KB, {scene.LINES} lines each, a second for {bench.size.soak:g} s;"
        f" from {early:.1f} MiB in the second tenth of the time to {late:.1f} MiB in the last"
    )
    answers = f"{sent['answered']:.0f} answered in time, {sent['refused']:.0f} asked to come again"
    return [
        Figure("requests cut over a soak", sent["cut"], most=0, note=answers),
        Figure("growth of memory over a soak", (late - early) * 2**20 / 1e6, "MB", most=5, note=note),
        Figure("growth of open files over a soak", still - few, most=_READER, note=f"from {few} to {still}"),
        Figure(
            "write-ahead log over a soak", max(each.log for each in seen), "MiB", most=_LOG, note="the largest seen"
        ),
    ]


def _watched(server: Server, log: Path, seconds: float) -> tuple[list[Seen], Found]:
    """Return what was seen of the daemon once a second, and what the sender counted."""
    command = (sys.executable, HERE / "open_loop.py", str(server.port), PATH, str(_RATE), "--seconds", str(seconds))
    seen = []
    watched = psutil.Process(server.process.pid)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
        while sender.poll() is None:
            seen.append(Seen(server.resident_mib(), watched.num_fds(), log.stat().st_size / 2**20))
            time.sleep(min(1.0, seconds / 20))
        assert sender.stdout is not None
        sent: Found = json.loads(sender.stdout.read())
        return seen, sent
