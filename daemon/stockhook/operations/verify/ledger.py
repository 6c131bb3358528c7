"""Checks of the ledger: what a unit has is the sum of its movements, and they chain without a gap."""

from collections.abc import Iterator

from stockhook.model import Movement, Unit
from stockhook.operations.due import every, pages
from stockhook.operations.verify.inspection import Inspection
from stockhook.quantity import Quantity, text
from stockhook.store import Range


def balances(inspection: Inspection) -> Iterator[str | None]:
    """Promise 3: for each unit, on hand is the sum of its movements."""
    for units in pages(inspection.view, Unit):
        ids = frozenset(unit.id for unit in units)
        totals = inspection.view.totals(Movement, by=("unit_id",), where={"unit_id": ids})
        moved = {total.by[0]: total.amount for total in totals}
        for unit in units:
            total = moved.get(unit.id, 0)
            has = f"unit {unit.id} of {unit.sku} has {text(unit.quantity)}, its movements sum to {text(total)}"
            yield None if total == unit.quantity else has


def chain(inspection: Inspection) -> Iterator[str | None]:
    """Promise 3: each movement's balance is that of the one before it plus its own quantity, from 0 on."""
    wanted: dict[int, Quantity] = {}
    for movement in every(inspection.view, Movement):
        expected = wanted.get(movement.unit_id, movement.balance_after)
        wanted[movement.unit_id] = movement.balance_after - movement.quantity
        broken = (
            f"movement {movement.id} leaves unit {movement.unit_id} at {text(movement.balance_after)}, the next one "
            f"begins at {text(expected)}"
        )
        yield None if expected == movement.balance_after else broken
    for unit_id, start in wanted.items():
        if start:
            yield f"the first movement of unit {unit_id} begins at {text(start)} instead of 0"


def below_zero(inspection: Inspection) -> Iterator[str | None]:
    """Promise 4: no unit is below zero."""
    for unit in every(inspection.view, Unit, {"quantity": Range(high=0)}):
        yield f"unit {unit.id} of {unit.sku} is at {text(unit.quantity)}"
