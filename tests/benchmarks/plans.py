"""What the strategy that opens the fewest units costs, against fifo, on an item with ten thousand units."""

import gc
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import process
from bench import Bench, middle, ratios
from figure import Figure, Side

from stockhook.plugin import Need, Offer
from stockhook.quantity import ONE

sys.path.insert(0, str(process.HERE.parent / "shared"))
from offers import made  # found in what the tests share

UNITS = 10_000
OPENED = datetime(2025, 1, 1, tzinfo=UTC)


def plans(bench: Bench) -> list[Figure]:
    """Plan half of the goods in turn with both, on shelves of an opening stock and of receipts one by one."""
    shelves = {
        "an opening stock": lambda number: timedelta(days=number * 7919 % 700),
        "receipts one by one": lambda number: timedelta(minutes=number),
    }
    return [_figure(bench, name, _shelf(when)) for name, when in shelves.items()]


def _shelf(when: Callable[[int], timedelta]) -> Sequence[Offer]:
    chance = random.Random(2026)
    return [
        Offer(
            id=number,
            location=f"MAIN/Rack {chance.randrange(500)}",
            pick_sequence=chance.choice([None, *range(50)]),
            available=chance.randrange(1, 100 * ONE),
            received_at=OPENED + when(number),
            lot=f"L{number}",
        )
        for number in range(1, UNITS + 1)
    ]


def _figure(bench: Bench, name: str, units: Sequence[Offer]) -> Figure:
    need = Need("SOAP", sum(unit.available for unit in units) // 2)
    fifo, fewest = made("fifo"), made("fewest-units", otherwise="shortage")
    took: dict[str, list[float]] = {"fifo": [], "fewest": []}
    for _ in range(max(3, bench.size.rounds * 3)):
        took["fifo"].append(_seconds(fifo, need, units))
        took["fewest"].append(_seconds(fewest, need, units))
    cost, spread = ratios(took["fewest"], took["fifo"])
    sides = (
        Side("fewest-units", p50_ms=middle(took["fewest"]) * 1e3),
        Side("fifo", p50_ms=middle(took["fifo"]) * 1e3),
    )
    note = f"processor time of a plan for half of the goods in {UNITS:,} units"
    return Figure(f"fewest-units to fifo, {name}", cost, most=2.0, spread=spread, note=note, sides=sides)


def _seconds(strategy: Any, need: Need, units: Sequence[Offer]) -> float:
    gc.collect()
    began = time.process_time()
    strategy.plan(need, units)
    return time.process_time() - began
