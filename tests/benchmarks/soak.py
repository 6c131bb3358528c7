"""What a daemon's memory does while it takes in and works an even stream for long."""

import statistics
import subprocess
import sys
import time

import process
import scene
from bench import Bench
from figure import Figure
from process import HERE, PATH, Server

_RATE = 200


def soak(bench: Bench) -> list[Figure]:
    """Compare the memory in the last tenth of the time with that in the second: by then its caches are in use."""
    config = bench.shop(pieces=100_000)
    with process.daemon(config) as server:
        seen = _watched(server, bench.size.soak)
        bench.note_memory(server)
    tenth = max(1, len(seen) // 10)
    early, late = (statistics.median(part) for part in (seen[tenth : 2 * tenth] or seen, seen[-tenth:]))
    note = (
        f"{_RATE} deliveries of 2 KB, {scene.LINES} lines each, a second for {bench.size.soak:g} s;"
        f" from {early:.1f} MiB in the second tenth of the time to {late:.1f} MiB in the last"
    )
    return [Figure("growth of memory over a soak", (late - early) * 2**20 / 1e6, "MB", most=5, note=note)]


def _watched(server: Server, seconds: float) -> list[float]:
    command = (sys.executable, HERE / "open_loop.py", str(server.port), PATH, str(_RATE), "--seconds", str(seconds))
    seen = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
        while sender.poll() is None:
            seen.append(server.resident_mib())
            time.sleep(min(1.0, seconds / 20))
        assert sender.stdout is not None
        process.measured(sender.stdout.read())
    return seen
