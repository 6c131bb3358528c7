"""What a stock keeper does, as rules for the shop driven at random: move, hold, release, count, undo."""

from datetime import timedelta
from random import Random
from typing import Any, Final

from account import Account
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from told_persons import asked

from stockhook.model import Location, Movement, MovementKind, Unit
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.holds import hold, release
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.quantity import ONE

PLACES: Final = ("MAIN", "BACK", "ATTIC")
"""ATTIC is not picked from."""

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

    def _goods(self) -> list[Unit]:
        return self.shop.find(Unit, suspense=False)  # type: ignore[no-any-return] # the shop is the machine's

    def _some_goods(self, choice: Random) -> Unit | None:
        units = [unit for unit in self._goods() if unit.quantity]
        return choice.choice(units) if units else None
