"""How soon a shop with years behind it answers a person, and how long it takes to prove its book.

What a command prints is gathered by the operation that it calls, with the store open: the start of a Python process
says nothing of the store. The whole command is told beside it. The page comes from a daemon, over HTTP.
"""

import http.client
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import process
import psutil
import scene
from bench import Bench, middle
from figure import Figure, Side

from stockhook import settings
from stockhook.clock import SystemClock
from stockhook.operations import orders
from stockhook.operations.desk import Desk, set_up
from stockhook.operations.units import Selection, list_units

_SOON = 100.0
"""Milliseconds in which a person is to be answered."""
_LOOK = 0.05
"""Seconds between two looks at the memory of a command."""
_COMMANDS = 3
"""How often a whole command is run."""


def answers(bench: Bench) -> list[Figure]:
    """Ask for one item, one order, and the first page, each time others."""
    config, chance = bench.grown(), random.Random(1)
    items = [scene.sku(chance.randrange(scene.ITEMS)) for _ in range(bench.size.asked)]
    past = bench.size.ledger // 10
    known = [f"DEMO-PAST-{chance.randrange(past):08}" for _ in range(bench.size.asked)]
    with _desk(config) as desk:
        found = {
            "stock list of one item": (
                _timed(lambda sku: list_units(desk, Selection(sku)), items),
                ("stock", "list", "--sku"),
            ),
            "orders show": (_timed(lambda order: orders.show(desk, order), known), ("orders", "show")),
        }
    figures = []
    for name, ((p50, p99), words) in found.items():
        whole = middle(
            [_run(config, *words, (items if "stock" in words else known)[at]).seconds for at in range(_COMMANDS)]
        )
        note = f"{len(items)} asked for; the whole command, a Python process included, takes {whole:.2f} s"
        figures.append(_answer(name, p50, p99, note))
    with process.daemon(config) as server:
        p50, p99 = _timed(lambda _: _page(server.admin), items)
        bench.note_memory(server)
    return [*figures, _answer("the overview page", p50, p99, f"{len(items)} times, over HTTP")]


def verify(bench: Bench) -> list[Figure]:
    """Run the command on the same book, with all that belongs to it."""
    config = bench.grown()
    run = _run(config, "verify")
    told = json.loads(run.printed)
    if not told["ok"]:
        raise SystemExit("\n".join(f"{each['name']}: {each['detail']}" for each in told["checks"] if not each["ok"]))
    counted = ", ".join(
        each["detail"] for each in told["checks"] if each["name"] in ("chain", "difference", "balances")
    )
    side = Side("the command", mib=run.mib, note=f"{run.cpu:.1f} s of CPU in all its processes")
    return [
        Figure("verify", run.seconds, "s", most=30, note=counted, sides=(side,)),
        Figure("peak memory of verify", run.mib, "MiB", most=300, note="of all its processes together"),
    ]


@contextmanager
def _desk(config: Path) -> Iterator[Desk]:
    loaded = settings.load(config)
    loaded.store.open()
    try:
        yield set_up(loaded, SystemClock(), "bench")
    finally:
        loaded.store.close()


def _timed(ask: Callable[[str], object], words: list[str]) -> tuple[float, float]:
    """Return the middle and the 99th hundredth of how many milliseconds an answer takes."""
    taken = []
    for word in words:
        began = time.perf_counter()
        ask(word)
        taken.append((time.perf_counter() - began) * 1e3)
    taken.sort()
    return middle(taken), taken[len(taken) * 99 // 100]


def _page(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK or b"</html>" not in body:
        raise SystemExit(f"the first page answers {answer.status}")


@dataclass(frozen=True, slots=True)
class Run:
    """A command: how long it took, its processor time and its largest memory, its children included, what it said."""

    seconds: float
    cpu: float
    mib: float
    printed: bytes


def _run(config: Path, *words: str) -> Run:
    command = (process.PROGRAM, *words, "--json", "--config", str(config))
    began, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as output, subprocess.Popen(command, stdout=output) as running:
        while not (ended := os.wait4(running.pid, os.WNOHANG))[0]:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, process.mib(running))
            time.sleep(_LOOK)
        seconds, (_, status, used) = time.perf_counter() - began, ended
        running.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    if running.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    return Run(seconds, used.ru_utime + used.ru_stime, peak, printed)


def _answer(name: str, p50: float, p99: float, note: str) -> Figure:
    return Figure(f"p99 of {name}", p99, "ms", most=_SOON, note=note, sides=(Side("asked", p50_ms=p50, p99_ms=p99),))
