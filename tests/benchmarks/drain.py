"""How fast stored events are worked, by the daemon and by a loop by hand on a copy of the same database."""

import shutil

import hand_loop
import hand_loop_postgres
import process
import scene
from bench import Bench, drained, libpq, middle, pace, ratios
from figure import Figure, Side
from postgres import own_server


def sqlite(bench: Bench) -> list[Figure]:
    """Measure both on SQLite."""
    ours: list[float] = []
    theirs: list[float] = []
    memory = 0.0
    for number in range(bench.rounds_of_a_drain):
        config = bench.shop()
        database = config.with_name("stock.db")
        scene.backlog(config, scene.bodies(number), bench.size.events)
        by_hand = bench.folder / f"by-hand-{number}.db"
        shutil.copy(database, by_hand)
        theirs.append(bench.size.events / hand_loop.drain(by_hand))
        with process.daemon(config) as server:
            drained(database)
            memory = max(memory, bench.note_memory(server))
        ours.append(pace(database))
        the_same(hand_loop.counts(database), hand_loop.counts(by_hand), "hand")
        by_hand.unlink()
    words = f"hand-written sqlite3 loop, {hand_loop.BATCH} a commit"
    return _figures("drain", bench, ours, Side(words, middle(theirs)), memory, theirs)


def postgres(bench: Bench) -> list[Figure]:
    """Measure both on PostgreSQL."""
    ours: list[float] = []
    theirs: list[float] = []
    memory = 0.0
    with own_server() as own:
        for number in range(bench.rounds_of_a_drain):
            with own.server.database() as url:
                config = bench.shop(url=url)
                scene.backlog(config, scene.bodies(number), bench.size.events)
                with own.server.database(url) as by_hand:
                    theirs.append(bench.size.events / hand_loop_postgres.drain(libpq(by_hand)))
                    with process.daemon(config) as server:
                        drained(url)
                        memory = max(memory, bench.note_memory(server))
                    ours.append(pace(url))
                    written = [hand_loop_postgres.counts(libpq(each)) for each in (url, by_hand)]
                    the_same(*written, "hand")
    words = f"hand-written psycopg loop, {hand_loop_postgres.BATCH} a commit"
    return _figures("drain on PostgreSQL", bench, ours, Side(words, middle(theirs)), memory, theirs)


def _figures(
    name: str, bench: Bench, ours: list[float], peer: Side, memory: float, theirs: list[float]
) -> list[Figure]:
    ratio, spread = ratios(ours, theirs)
    note = f"{bench.size.events:,} stored events of {scene.LINES} lines, middle of {len(ours)} rounds"
    sides = (Side("stockhook", middle(ours), mib=memory), peer)
    return [
        Figure(name, middle(ours), "events/s", least=2000, spread=(min(ours), max(ours)), note=note),
        Figure(f"{name} to a hand-written loop", ratio, least=0.2, spread=spread, sides=sides),
    ]


def the_same(ours: dict[str, int], theirs: dict[str, int], who: str) -> None:
    """End the run where the daemon and a peer have not left the same rows: then their speeds say nothing."""
    if ours != theirs:
        raise SystemExit(f"not the same was written: {ours} by the daemon, {theirs} by {who}")
