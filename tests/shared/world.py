"""One order beside a shelf, evaluated as often as a test likes: what the pure core does, without a store."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from stockhook.allocation import Pool
from stockhook.choice import Choices
from stockhook.draft import Cause
from stockhook.evaluate import Evaluation, evaluate
from stockhook.model import (
    NEW,
    Catalogue,
    Count,
    Kit,
    Line,
    Order,
    OrderState,
    Part,
    Shortage,
    Stock,
    Unit,
)
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.strategy import method
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.strategies.received import Fifo

SHIPPED = START - timedelta(days=5)
CHOICES = Choices(method(Fifo(Fifo.Options())))
CODES = ("A", "B", "SET", "PACK", "NEW", "JUNK")
CATALOGUE = Catalogue(
    aliases={
        ("", "pack"): make.alias("PACK", "A", factor=2 * ONE),
        ("", "junk"): make.alias("JUNK", None),
    },
    items={"a": make.item("A"), "b": make.item("B"), "set": make.item("SET")},
    kits={"set": Kit("SET", (Part("A", ONE), Part("B", 2 * ONE)))},
)


SUSPENSE = {"A": 101, "B": 102}
"""The ids of the suspense units, once they are made."""


@dataclass
class World:
    """One order, the shelf, and what evaluating leaves behind; ids are given as a store would."""

    state: OrderState
    stock: dict[int, int]
    rules: ChannelRules
    catalogue: Catalogue = CATALOGUE
    counts: tuple[Count, ...] = ()
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def units(self) -> tuple[Unit, ...]:
        return tuple(
            make.unit("A" if number % 2 else "B", quantity, id=number, lot=None)
            if number not in SUSPENSE.values()
            else make.unit("A" if number % 2 else "B", quantity, id=number, lot=None, location="", suspense=True)
            for number, quantity in sorted(self.stock.items())
        )

    def evaluate(self) -> Evaluation:
        pool = Pool(Stock(self.units(), {}, {"A": 1, "B": 1}, self.counts))
        cause = Cause(START, "worker", 1)
        ids = itertools.count(NEW)
        result = evaluate(self.state, self.rules, self.catalogue, pool, CHOICES, cause=cause, ids=ids)
        given = {unit.id: SUSPENSE[unit.sku] for unit in result.units}
        given |= {movement.id: next(self.ids) for movement in result.movements}
        for movement in result.movements:
            number = given.get(movement.unit_id, movement.unit_id)
            self.stock[number] = self.stock.get(number, 0) + movement.quantity
            assert self.stock[number] >= 0 or number in SUSPENSE.values()
        takes = tuple(
            replace(
                take,
                movement_id=given.get(take.movement_id, take.movement_id),
                unit_id=given.get(take.unit_id, take.unit_id),
            )
            for take in result.state.takes
        )
        rows = tuple(replace(row, id=next(self.ids)) if row.id >= NEW else row for row in result.state.shortages)
        self.state = replace(result.state, takes=takes, shortages=rows)
        return result

    def on_hand(self) -> dict[int, int]:
        return {number: quantity for number, quantity in self.stock.items() if number not in SUSPENSE.values()}

    def consumed(self, line: int, sku: str) -> int:
        takes = (take for take in self.state.takes if not take.suspense)
        return sum(take.remaining for take in takes if (take.line, take.sku) == (line, sku))

    def rows(self, line: int, sku: str) -> list[Shortage]:
        return [row for row in self.state.shortages if (row.line, row.sku) == (line, sku)]

    def owed(self) -> int:
        return sum(row.open for row in self.state.shortages)


PARTS = {"A": {"A": 1}, "B": {"B": 1}, "SET": {"A": 1, "B": 2}, "PACK": {"A": 2}, "NEW": {}, "JUNK": {}}


def made(lines: Sequence[Line], stock: dict[int, int], policy: ShortagePolicy) -> World:
    return World(OrderState(order(), tuple(lines)), dict(stock), ChannelRules("shop", on_shortage=policy))


def order(**facts: Any) -> Order:
    return make.order(**{"first_ship_at": START, **facts})


def line(number: int, code: str, quantity: int, *, dated: bool = True) -> Line:
    shipped = SHIPPED if dated else None
    return make.line(
        number=number, code=code, quantity=quantity * ONE, ship_said=make.said(), shipped_at=shipped, lots=()
    )


orders = st.lists(st.tuples(st.sampled_from(CODES), st.integers(0, 4), st.booleans()), min_size=1, max_size=4).map(
    lambda drawn: [line(n, code, quantity, dated=dated) for n, (code, quantity, dated) in enumerate(drawn, start=1)]
)
shelves = st.dictionaries(st.integers(1, 4), st.integers(0, 5).map(lambda n: n * ONE), max_size=4)
policies = st.sampled_from(ShortagePolicy)


def shipped(world: World, one: Line) -> bool:
    return one.shipped_at is not None or not any(other.shipped_at for other in world.state.lines)
