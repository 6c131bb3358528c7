"""What a person may see of stock: units as they are, or as the book had them at a moment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from stockhook.model import Location, Movement, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import pages
from stockhook.operations.items import known_item
from stockhook.operations.locations import known_location
from stockhook.operations.past import INSTANT, Past, refuse_future
from stockhook.store import FOREVER, Match, Range, Read


def list_units(
    desk: Desk,
    *,
    sku: str | None = None,
    location: str | None = None,
    lot: str | None = None,
    as_of: datetime | None = None,
    everything: bool = False,
    after: tuple[Any, ...] | None = None,
    most: int = 1000,
) -> list[Unit]:
    """Return units with a quantity, or ``everything``, newest first, from behind the key ``after``.

    Those of an item, of a lot as it is written, or in a location and those below it.

    A suspense unit below zero has a quantity. ``as_of`` gives each unit as the book had it at that moment, in quantity,
    hold, lot and all: what was booked later does not count, whenever it happened. Raises NotFound for an item or a
    location that does not exist, Refused for a moment in the future.
    """
    if as_of is not None:
        refuse_future(as_of, desk.clock.now())
    with desk.store.read() as view:
        where: dict[str, Match] = {}
        if sku is not None:
            where["sku"] = known_item(view, sku).sku
        if location is not None:
            where["location"] = _subtree(view, location)
        if as_of is not None:
            past = _as_of(view, where, as_of, after)
            asked = (one for one in past if (one.quantity or everything) and lot in (None, one.lot))
            return list(islice(asked, most))
        if lot is not None:
            where["lot"] = lot
        return view.find(Unit, where, after, most) if everything else _with_quantity(view, where, after, most)


def _with_quantity(view: Read, where: dict[str, Match], after: tuple[Any, ...] | None, most: int) -> list[Unit]:
    found = view.find(Unit, where | {"quantity": Range(low=1)}, after, most)
    owed = view.find(Unit, where | {"suspense": True, "quantity": Range(high=0)}, after, most)
    return sorted((*found, *owed), key=lambda unit: -unit.id)[:most] if owed else found


def _subtree(view: Read, path: str) -> frozenset[str]:
    root = known_location(view, path).path
    below = {place.path for place in view.find(Location, most=FOREVER) if place.path.startswith(f"{root}/")}
    return frozenset(below | {root})


def _as_of(view: Read, where: dict[str, Match], moment: datetime, after: tuple[Any, ...] | None) -> Iterator[Unit]:
    """Yield the units that were booked in by then, with their quantities of then."""
    past = Past(view, moment)
    for units in pages(view, Unit, where, after=after):
        ids = frozenset(unit.id for unit in units)
        booked = {"unit_id": ids, "at": Range(high=moment + INSTANT)}
        totals = {total.by[0]: total.amount for total in view.totals(Movement, by=("unit_id",), where=booked)}
        yield from (past.unit(replace(unit, quantity=totals[unit.id])) for unit in units if unit.id in totals)
