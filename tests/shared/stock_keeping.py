"""What a stock keeper does, as rules for the shop driven at random: move, hold, release, count, undo."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from account import Account
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from told_persons import asked

from stockhook.model import Count, Location, Movement, MovementKind, Unit
from stockhook.operations.due import sweep
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.holds import hold, release
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.quantity import ONE

PLACES: Final = ("MAIN", "BACK", "ATTIC")
"""ATTIC is not picked from."""

_NOTHING_CAME_OF_IT: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Counts that were taken back speak of an earlier moment than this; all others of a later one."""

_OF_ORDERS: Final = frozenset({MovementKind.CONSUMPTION, MovementKind.REVERSAL, MovementKind.COUNT})

choices = st.randoms(use_true_random=False)

_goods_are_there = precondition(lambda self: bool(self.received["A"] or self.received["B"]))
_something_is_sold = precondition(lambda self: any(element.ships for _, element in self.account.seen))


class StockKeeping:
    """Rules of a ``ShopMachine``, which holds the ledger to ``adjusted`` and lets goods in ``unsettled`` lie."""

    shop: Any
    store: Any
    account: Account
    quiet: bool
    received: dict[str, int]
    adjusted: dict[str, int]
    unsettled: set[str]

    def keep_places(self) -> None:
        with self.store.write() as work:
            work.save([Location("BACK"), Location("ATTIC", pickable=False)])

    def offered(self, sku: str) -> int:
        """How much of an item orders may take."""
        units = self.shop.find(Unit, sku=sku)
        return sum(unit.quantity for unit in units if not unit.held and not unit.suspense and unit.location != "ATTIC")

    @_goods_are_there
    @rule(choice=choices, part=st.booleans())
    def move(self, choice: Random, part: bool) -> None:
        unit = self._some_goods(choice)
        if unit is not None:
            path = choice.choice([place for place in PLACES if place != unit.location])
            quantity = choice.randint(1, unit.quantity) if part else unit.quantity
            moved = move(self.shop.desk, unit.id, quantity, path)
            assert moved.into.quantity == -moved.out.quantity == quantity

    @_goods_are_there
    @rule(choice=choices)
    def hold_or_release(self, choice: Random) -> None:
        unit = choice.choice(self._goods())
        does = release if unit.held else hold
        assert does(self.shop.desk, "checked", unit_id=unit.id).changed == (unit.id,)
        assert self.shop.find(Unit, id=unit.id)[0].held is not unit.held

    @_goods_are_there
    @rule(choice=choices, found=st.integers(-2, 2))
    def count_a_unit(self, choice: Random, found: int) -> None:
        unit = choice.choice(self._goods())
        self._count(unit.sku, [unit], found, {"unit_id": unit.id})
        self.stays_on_the_shelf()

    @_something_is_sold
    @rule(sku=st.sampled_from("AB"), path=st.sampled_from(PLACES), found=st.integers(-2, 5))
    def count_a_shelf(self, sku: str, path: str, found: int) -> None:
        """Count all of an item in a place; where orders may take from it, nothing stays owed from before."""
        self._count(sku, self.shop.find(Unit, sku=sku, location=path), found, {"sku": sku, "location": path})
        if path != "ATTIC" and self.quiet:
            assert self.shop.owed(sku) == 0

    def _count(self, sku: str, units: list[Unit], found: int, what: dict[str, Any]) -> None:
        self.shop.clock.advance(timedelta(minutes=1))
        lying, before = sum(unit.quantity for unit in units), self.shop.on_hand(sku)
        quantity = max(lying + found * ONE, 0)
        count(self.shop.desk, [Tally(quantity, **what)])
        self.adjusted[sku] += quantity - lying
        self.unsettled.add(sku)
        assert self.shop.on_hand(sku) == before + quantity - lying

    @_goods_are_there
    @rule(choice=choices)
    def undo(self, choice: Random) -> None:
        self.shop.clock.advance(timedelta(minutes=1))
        movement = choice.choice(self.shop.find(Movement, order_id=None))
        together = [movement]
        if movement.kind is MovementKind.COUNT:
            same = {"kind": movement.kind, "at": movement.at, "reference": movement.reference, "order_id": None}
            together = self.shop.find(Movement, sku=movement.sku, **same)
        with asked("undo"):
            undo(self.shop.desk, movement.id, "a mistake")
            self.unsettled.add(movement.sku)
            if movement.kind not in {MovementKind.TRANSFER_IN, MovementKind.TRANSFER_OUT}:
                self.adjusted[movement.sku] -= sum(one.quantity for one in together)

    def stays_on_the_shelf(self) -> None:
        """Have the daemon look for what waits beside goods, as after a start: those merely found stay where they are.

        An order that waits for another item too, of which goods came, is looked at again, and may use them.
        """
        if not self.quiet:
            return
        found = {sku for sku in self.unsettled if self._found_last(sku)}
        owed = {sku: self.shop.owed(sku) for sku in "AB"}
        self.shop.desk.swept.clear()
        sweep(self.shop.desk)
        self.shop.work()
        if all(sku in found or not owed[sku] for sku in "AB"):
            assert {sku: self.shop.owed(sku) for sku in "AB"} == owed

    def _found_last(self, sku: str) -> bool:
        """Whether the last goods of an item that came were found by an adjustment or a count."""
        goods = {unit.id for unit in self.shop.find(Unit, sku=sku, suspense=False)}
        came = (each for each in self.shop.find(Movement, sku=sku) if each.quantity > 0 and each.unit_id in goods)
        last = next((each for each in came if each.order_id is None or each.kind is not MovementKind.COUNT), None)
        return last is not None and last.kind in {MovementKind.ADJUSTMENT, MovementKind.COUNT}

    @invariant()
    def counts_stand(self) -> None:
        """Hold the ledger to the counts: all was shipped before them, so orders move no counted goods but returns."""
        if not hasattr(self, "shop"):
            return
        counts = [one for one in self.shop.find(Count) if one.at > _NOTHING_CAME_OF_IT]
        moved = [one for one in self.shop.find(Movement) if one.order_id is not None and one.kind in _OF_ORDERS]
        for unit in self._goods():
            mine = [one for one in moved if one.unit_id == unit.id]
            since = [one.at for one in counts if one.unit_id == unit.id or (not one.unit_id and _lies(unit, one))]
            if since:
                assert sum(one.quantity for one in mine if one.at >= min(since)) == 0, (unit, mine)
            else:
                assert sum(one.quantity for one in mine if one.kind is MovementKind.COUNT) == 0, (unit, mine)

    def _goods(self) -> list[Unit]:
        return self.shop.find(Unit, suspense=False)  # type: ignore[no-any-return] # the shop is the machine's

    def _some_goods(self, choice: Random) -> Unit | None:
        units = [unit for unit in self._goods() if unit.quantity]
        return choice.choice(units) if units else None


def _lies(unit: Unit, counted: Count) -> bool:
    return (unit.sku, unit.location) == (counted.sku, counted.location)
