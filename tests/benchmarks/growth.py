"""What an event costs when the ledger has grown to a million movements, against a ledger that has just begun."""

import time

import process
import scene
from bench import Bench, drained, middle, pace, ratios
from figure import Figure, Side


def growth(bench: Bench) -> list[Figure]:
    """Drain the same backlog in turn with both: the stock to choose from is the same, only the past is not."""
    grown, empty, movements = bench.grown(), bench.shop(), bench.size.ledger
    rates: dict[str, list[float]] = {"empty": [], "grown": []}
    memory = dict.fromkeys(rates, 0.0)
    events = max(1, bench.size.events // 2)
    for number in range(bench.rounds_of_a_drain):
        for name, config in (("empty", empty), ("grown", grown)):
            scene.backlog(config, scene.bodies(number), events)
            database, began = config.with_name("stock.db"), time.time()
            with process.daemon(config) as server:
                drained(database)
                memory[name] = max(memory[name], bench.note_memory(server))
            rates[name].append(pace(database, began))
    cost, spread = ratios(rates["empty"], rates["grown"])
    note = f"cost of an event, {events:,} drained in each of {len(rates['empty'])} rounds"
    sides = (
        Side(f"{movements:,} movements", middle(rates["grown"]), mib=memory["grown"]),
        Side("empty ledger", middle(rates["empty"]), mib=memory["empty"]),
    )
    return [Figure("a grown ledger to an empty one", cost, most=1.25, spread=spread, note=note, sides=sides)]
