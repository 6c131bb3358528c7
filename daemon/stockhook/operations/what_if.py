"""The same history under another strategy, side by side with the one that is configured; nothing is written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from stockhook.choice import Choices
from stockhook.model import Allocation, Location, Movement, Shortage, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import every, pages
from stockhook.operations.ledger_replay import Replay, first_since
from stockhook.operations.past import refuse_future
from stockhook.quantity import ONE, Quantity
from stockhook.steps import Method
from stockhook.store import FOREVER, Range, Read
from stockhook.worlds import Figures, LineKey, World

ASSUMES: Final = (
    "Receipts, counts, adjustments, moves and returns are as booked; what a unit no longer has here is not taken off.",
    "Lines, items, locations, rules and shortage policies are as known now; holds and amendments as they were made.",
    "What a person chose stays chosen, and kits are split into finished ones and components as they were.",
    "A line of which nothing at all could be taken is not asked again until something was.",
)
"""What is not known of the past, or not played through."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one strategy comes to. Quantities and costs in millionths; ``cost`` and ``value`` as far as costs are known.

    ``owed`` is what lines lack at the end, ``left`` what lies there then, ``expired`` what of that is beyond its last
    good day, ``opened`` how many units hold less than they came with.
    """

    strategy: str
    figures: Figures
    owed: Quantity
    left: Quantity = 0
    value: Quantity = 0
    uncosted: Quantity = 0
    expired: Quantity = 0
    expired_value: Quantity = 0
    stocked: int = 0
    opened: int = 0


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of a unit on either side."""

    unit: Unit
    present: Quantity
    other: Quantity


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Two strategies over the same history. ``remains`` are the units that end up differently, by item and id.

    ``needs`` were planned again on both sides, of which ``as_booked`` came out as they were booked with the strategy
    that is configured; ``by_person`` were left as a person chose. ``never_asked`` is what open shortages hold of which
    nothing was ever taken.
    """

    since: datetime
    until: datetime
    movements: int
    needs: int
    as_booked: int
    by_person: int
    never_asked: Quantity
    present: Side
    other: Side
    remains: tuple[Remains, ...]


def what_if(
    desk: Desk, method: Method, since: datetime, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> WhatIf:
    """Play what was booked since a moment through again, with ``method`` in place of every strategy configured.

    Rules keep their locations. ``progress`` hears how many of how many movements are done. Raises Refused for a moment
    in the future, BadPlan where a strategy breaks a rule.
    """
    now = desk.clock.now()
    refuse_future(since, now)
    present = desk.policies.choices
    other = Choices(method, tuple(replace(rule, method=None) for rule in present.rules))
    with desk.store.read() as view:
        places = view.find(Location, most=FOREVER)
        worlds = (World(present, places), World(other, places))
        first = first_since(view, since)
        replay = Replay(view, desk.policies, worlds, since, first)
        total = sum(each.count for each in view.totals(Movement, where={"id": Range(low=first)}))
        done = 0
        for more in replay.run():
            done += more
            progress(done, total)
        owed = _owed(view)
        never = _never_asked(view, since)
    today = now.astimezone(desk.policies.rules_for("").time_zone).date()
    sides = [
        _side(name, world, owed, today)
        for name, world in zip((present.method.strategy, method.strategy), worlds, strict=True)
    ]
    return WhatIf(
        since=since,
        until=now,
        movements=done,
        needs=replay.needs,
        as_booked=replay.as_booked,
        by_person=replay.by_person,
        never_asked=never,
        present=sides[0],
        other=sides[1],
        remains=tuple(_remains(*worlds)),
    )


def _side(strategy: str, world: World, owed: Mapping[LineKey, Quantity], today: date) -> Side:
    figures = world.finish()
    # of what the book owes a line, less what the line has got here; and what lines lack here alone
    still = sum(max(quantity + min(world.gap(key), 0), 0) for key, quantity in owed.items())
    side = Side(strategy, figures, still + figures.missing)
    left = value = uncosted = expired = expired_value = stocked = opened = 0
    for unit in world.remains():
        worth = unit.quantity * (unit.unit_cost or 0) // ONE
        left, value, stocked = left + unit.quantity, value + worth, stocked + 1
        uncosted += unit.quantity if unit.unit_cost is None else 0
        opened += unit.quantity < unit.received
        last_good = world.last_good_day(unit)
        if last_good is not None and last_good < today:
            expired, expired_value = expired + unit.quantity, expired_value + worth
    return replace(
        side,
        left=left,
        value=value,
        uncosted=uncosted,
        expired=expired,
        expired_value=expired_value,
        stocked=stocked,
        opened=opened,
    )


def _remains(present: World, other: World) -> Iterator[Remains]:
    """Yield the units of which there is more or less on one side than on the other."""
    units = {unit.id: unit for unit in present.remains()}
    here = {unit_id: unit.quantity for unit_id, unit in units.items()}
    there = {unit.id: unit.quantity for unit in other.remains()}
    units |= {unit.id: unit for unit in other.remains()}
    for unit in sorted(units.values(), key=lambda unit: (unit.sku, unit.id)):
        if here.get(unit.id, 0) != there.get(unit.id, 0):
            yield Remains(unit, here.get(unit.id, 0), there.get(unit.id, 0))


def _owed(view: Read) -> dict[LineKey, Quantity]:
    """Return what the book owes to each line now."""
    owed: dict[LineKey, Quantity] = {}
    for row in every(view, Shortage, {"open": Range(low=1)}):
        key = LineKey(row.account, row.order_id, row.line, row.sku)
        owed[key] = owed.get(key, 0) + row.open
    return owed


def _never_asked(view: Read, since: datetime) -> Quantity:
    """Return how much is owed since then to lines of which nothing was ever taken: the replay knows no need of them."""
    never = 0
    for rows in pages(view, Shortage, {"open": Range(low=1), "opened_at": Range(low=since)}):
        known: set[LineKey] = set()
        for account in {row.account for row in rows}:
            orders = frozenset(row.order_id for row in rows if row.account == account)
            where = {"account": account, "order_id": orders}
            for total in view.totals(Allocation, ("order_id", "line", "sku"), where):
                known.add(LineKey(account, *total.by))
        never += sum(row.open for row in rows if LineKey(row.account, row.order_id, row.line, row.sku) not in known)
    return never
