"""Checks of the ledger: what a unit has is the sum of its movements, and they chain without a gap."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from stockhook.model import Movement, Unit
from stockhook.operations.due import every, pages
from stockhook.operations.verify.inspection import Finding, Inspection
from stockhook.operations.verify.plans import Plans
from stockhook.quantity import Quantity, text


def movements(inspection: Inspection) -> Iterator[Finding]:
    """Judge all movements, newest first, the plans that made them beside them, and then all units."""
    chain, plans = _Chain(), Plans(inspection.view)
    for page in pages(inspection.view, Movement):
        yield "chain", len(page), chain.before(page)
        yield from plans.beside(page)
    yield "chain", 0, chain.begin()
    yield from plans.rest()
    for unit in every(inspection.view, Unit):
        yield "balances", 1, _balance(unit, chain.sums.get(unit.id, 0))
        yield "below-zero", 1, _below_zero(unit)


class _Chain:
    """Promise 3: each movement's balance is that of the one before it plus its own quantity, from 0 on.

    Movements come newest first. Kept of each unit is where the last one that was seen began, and the sum of all.
    """

    def __init__(self) -> None:
        self._begins: dict[int, Quantity] = {}
        self.sums: defaultdict[int, Quantity] = defaultdict(int)

    def before(self, page: Sequence[Movement]) -> str | None:
        """Judge the movements that come before those that were seen."""
        begins, sums, wrong = self._begins, self.sums, None
        for movement in page:
            unit, after, quantity = movement.unit_id, movement.balance_after, movement.quantity
            expected = begins.get(unit, after)
            begins[unit] = after - quantity
            sums[unit] += quantity
            if expected != after and wrong is None:
                wrong = (
                    f"movement {movement.id} leaves unit {unit} at {text(after)}, the next one begins at "
                    f"{text(expected)}"
                )
        return wrong

    def begin(self) -> str | None:
        """Judge where the first movements of all units begin."""
        for unit, start in self._begins.items():
            if start:
                return f"the first movement of unit {unit} begins at {text(start)} instead of 0"
        return None


def _balance(unit: Unit, total: Quantity) -> str | None:
    """Promise 3: for each unit, on hand is the sum of its movements."""
    if total == unit.quantity:
        return None
    return f"unit {unit.id} of {unit.sku} has {text(unit.quantity)}, its movements sum to {text(total)}"


def _below_zero(unit: Unit) -> str | None:
    """Promise 4: no unit is below zero but those in suspense, which are never above."""
    if unit.suspense:
        has = f"unit {unit.id}, on which {unit.sku} is owed, is at {text(unit.quantity)}, above zero"
        return has if unit.quantity > 0 else None
    return f"unit {unit.id} of {unit.sku} is at {text(unit.quantity)}" if unit.quantity < 0 else None
