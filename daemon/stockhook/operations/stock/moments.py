"""When goods moved, which is not when that was booked."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from stockhook.model import Line, Movement, MovementKind, OrderKey, OrderState, Unit
from stockhook.operations.due import every
from stockhook.store import FOREVER, Range, Read
from stockhook.target import moment_shipped

_INSTANT: Final = timedelta(microseconds=1)
_FOLLOWS: Final = frozenset({MovementKind.REVERSAL, MovementKind.COUNT})
"""Kinds that speak of the moment of the movement they name, whenever they were booked."""


def moved_since(view: Read, units: Collection[Unit], moment: datetime) -> Counter[int]:
    """Return by unit how much came (or, below zero, went) after a moment, of what was booked after it.

    What shipped or came in before it, and was booked late, had moved by then, and does not count.
    """
    by_id = {unit.id: unit for unit in units}
    booked = {"unit_id": frozenset(by_id), "at": Range(low=moment + _INSTANT)}
    movements = list(every(view, Movement, booked)) if by_id else []
    roots = _roots(view, movements)
    keys = {OrderKey(root.account or "", root.order_id) for root in roots.values() if root.order_id is not None}
    states = view.orders(keys) if keys else {}
    since: Counter[int] = Counter()
    for movement in movements:
        when = _moved_at(roots[movement.id], by_id, states)
        if when is not None and when > moment:
            since[movement.unit_id] += movement.quantity
    return since


def _roots(view: Read, movements: Collection[Movement]) -> dict[int, Movement]:
    """Return for each movement the one whose moment it shares: what it reverses, and so on."""
    roots = {movement.id: movement for movement in movements}
    while True:
        named = {root.reverses for root in roots.values() if root.kind in _FOLLOWS and root.reverses is not None}
        if not named:
            return roots
        found = {movement.id: movement for movement in view.find(Movement, {"id": frozenset(named)}, most=FOREVER)}
        for number, root in roots.items():
            if root.kind in _FOLLOWS and root.reverses is not None:
                roots[number] = found[root.reverses]


def _moved_at(root: Movement, units: Mapping[int, Unit], states: Mapping[OrderKey, OrderState]) -> datetime | None:
    """Return when goods moved; None for a count, which found them where they were."""
    match root.kind:
        case MovementKind.RECEIPT:
            return units[root.unit_id].received_at
        case MovementKind.COUNT:
            return None
        case MovementKind.CONSUMPTION:
            state = states[OrderKey(root.account or "", root.order_id or "")]
            line = line_of(state, root.line)
            return (moment_shipped(state.order, line) if line else None) or root.at
    return root.at


def line_of(state: OrderState, number: int | None) -> Line | None:
    """Return the line that the ledger names by ``number``."""
    return next((line for line in state.lines if line.number == number), None)
