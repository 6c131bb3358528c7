"""The daemon by itself: start, intake against a server that keeps nothing, group commit, memory."""

import statistics
from typing import Any

import process
from bench import IDLE, Bench, drained, middle, rates, ratios, side
from figure import Figure
from slow_disk import MILLISECONDS, slow_disk

CONNECTIONS = 32


def start(bench: Bench) -> list[Figure]:
    """Measure from the start of the process to its line that it listens, on a new file and on one that is there."""
    config = bench.shop()
    taken = []
    for _ in range(bench.size.starts + 1):
        with process.daemon(config) as server:
            taken.append(server.started)
            bench.note_memory(server)
    first, *others = taken
    note = f"middle of {len(others)}; {first:.2f} s the first time"
    return [Figure("start to listening", statistics.median(others), "s", most=1, note=note)]


def intake(bench: Bench) -> list[Figure]:
    """Measure bare server, daemon, and daemon without its worker in turn, so that each meets the same machine."""
    bare: list[Any] = []
    shipped: list[Any] = []
    idle: list[Any] = []
    used: dict[str, list[float]] = {"bare": [], "shipped": [], "idle": []}
    config, quiet = bench.shop(), bench.shop()
    for number in range(bench.size.rounds):
        with process.bare(bench.folder) as server:
            bare.append(process.load(server, CONNECTIONS, run=number, seconds=bench.size.seconds))
            used["bare"].append(server.peak_mib())
        with process.daemon(config) as server:
            shipped.append(process.load(server, CONNECTIONS, run=number, seconds=bench.size.seconds))
            drained(config.with_name("stock.db"))
            used["shipped"].append(bench.note_memory(server))
        with process.daemon(quiet, IDLE) as server:
            idle.append(process.load(server, CONNECTIONS, run=number, seconds=bench.size.seconds))
            used["idle"].append(bench.note_memory(server))
    peer = side("bare Tornado handler", bare, middle(used["bare"]))
    on, off = ratios(rates(shipped), rates(bare)), ratios(rates(idle), rates(bare))
    note = f"{CONNECTIONS} connections, 2 KB, middle of {bench.size.rounds} rounds of {bench.size.seconds:g} s"
    return [
        Figure(
            "intake to a bare Tornado handler",
            on[0],
            least=0.45,
            note=note,
            spread=on[1],
            sides=(side("stockhook", shipped, middle(used["shipped"])), peer),
        ),
        Figure(
            "intake to a bare Tornado handler, worker off",
            off[0],
            note=note,
            spread=off[1],
            sides=(side("stockhook", idle, middle(used["idle"])), peer),
        ),
    ]


def group_commit(bench: Bench) -> list[Figure]:
    """Measure commits of what has gathered against one commit per delivery, on a slow disk, the worker off in both."""
    way = slow_disk(bench.folder)
    sides = []
    for name, group in (("as shipped", ()), ("one commit per request", ("--group", "1"))):
        with process.daemon(
            bench.shop(), process.altered("--no-worker", *way.options, *group), **way.environment
        ) as server:
            found = process.load(server, CONNECTIONS, run=0, seconds=bench.size.seconds)
            sides.append(side(name, [found], bench.note_memory(server)))
    note = f"each fsync {MILLISECONDS} ms longer: {way.words}"
    ratio = (sides[0].per_second or 0) / (sides[1].per_second or 1)
    return [Figure("group commit to one commit per request", ratio, least=5, note=note, sides=tuple(sides))]


def memory(bench: Bench) -> list[Figure]:
    """Return the most memory any of the daemons above has had; those that were sent 900 KB bodies tell their own."""
    return [Figure("peak memory", bench.peak, "MiB", most=150, note="resident, the largest of all daemons above")]
