"""One daemon against two and four that share a database on PostgreSQL, and the processor time that an event costs."""

import time
from collections import defaultdict
from dataclasses import dataclass

import process
import scene
from bench import Bench, asking, drained, middle, pace, ratios
from figure import Figure, Side
from postgres import OwnServer, own_server


@dataclass(frozen=True, slots=True)
class Drained:
    """How so many daemons drained a backlog: events a second, microseconds of processor time for each, deadlocks.

    ``mib`` is the memory of the daemons together, PostgreSQL's left out.
    """

    rate: float
    cpu: float
    deadlocks: int
    mib: float


def shared(bench: Bench) -> list[Figure]:
    """Measure orders that all want the same 60 items: at any moment several daemons want the same one."""
    found = _measure(bench, (1, 2, 4), apart=0)
    figures = _speeds(found, "the same items", bench, {4: 0.9})
    one, four = ([run.cpu for run in found[number]] for number in (1, 4))
    cost, spread = ratios(four, one)
    note = "daemons and PostgreSQL together, start-up left out"
    sides = (Side("four", note=f"{middle(four):,.0f} us"), Side("one", note=f"{middle(one):,.0f} us"))
    figures.append(
        Figure("CPU of an event, four daemons to one", cost, most=1.3, spread=spread, note=note, sides=sides)
    )
    deadlocks = sum(run.deadlocks for runs in found.values() for run in runs)
    return [*figures, Figure("deadlocks", deadlocks, most=0, note="pg_stat_database, in all of these runs")]


def disjoint(bench: Bench) -> list[Figure]:
    """Measure orders that have no item in common while they are in hand."""
    return _speeds(_measure(bench, (1, 4), apart=bench.size.apart), "items apart", bench, {4: 1.2})


def _speeds(found: dict[int, list[Drained]], words: str, bench: Bench, least: dict[int, float]) -> list[Figure]:
    one = [run.rate for run in found[1]]
    figures = []
    for number in sorted(found)[1:]:
        many = [run.rate for run in found[number]]
        ratio, spread = ratios(many, one)
        used = {count: middle(run.mib for run in found[count]) for count in (1, number)}
        sides = (
            Side(f"{number} daemons", middle(many), mib=used[number]),
            Side("one daemon", middle(one), mib=used[1]),
        )
        note = f"draining {_events(bench):,} events on PostgreSQL, middle of {len(one)} rounds"
        name = f"{number} daemons to one, {words}"
        figures.append(Figure(name, ratio, least=least.get(number), spread=spread, note=note, sides=sides))
    return figures


def _measure(bench: Bench, counts: tuple[int, ...], apart: int) -> dict[int, list[Drained]]:
    found: dict[int, list[Drained]] = defaultdict(list)
    with own_server() as own, own.server.database() as stocked:
        config = scene.configure(bench.place("shared"), stocked)
        scene.stock(config, pieces=100_000, **({"items": scene.LINES * apart, "units": 1} if apart else {}))
        scene.backlog(config, scene.bodies(0, apart=apart), _events(bench))
        for _ in range(bench.rounds_of_a_drain):
            for number in counts:
                found[number].append(_drain(bench, own, stocked, number))
    return found


def _drain(bench: Bench, own: OwnServer, stocked: str, number: int) -> Drained:
    with own.server.database(stocked) as url:
        config = scene.configure(bench.place("shop"), url)
        # due once all have started: the pages, loaded behind the first answer, cost as much as hundreds of events
        begins = time.time() + bench.size.settling
        with asking(url) as ask:
            ask(f"UPDATE delivery SET due_at = {begins * 1e6:.0f} RETURNING id")
        with process.daemons(number, config) as servers:
            family = [own.process.pid, *(server.process.pid for server in servers)]
            time.sleep(max(0.0, begins - time.time()))
            began, before = time.time(), sum(map(process.cpu_seconds, family))
            drained(url)
            spent = sum(map(process.cpu_seconds, family)) - before
            used = process.mib(*(server.process for server in servers))
            for server in servers:
                bench.note_memory(server)
        with asking(url) as ask:
            [events] = ask(f"SELECT count(*) FROM event WHERE finished_at >= {began * 1e6:.0f}")
            [deadlocks] = ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        rate = pace(url, began) or pace(url)  # in a smoke run all is done before the last daemon listens
        return Drained(rate, spent / max(1, events) * 1e6, deadlocks, used)


def _events(bench: Bench) -> int:
    return bench.size.events // 2
