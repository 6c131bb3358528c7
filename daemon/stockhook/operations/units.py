"""What a person may see of stock: units as they are, or as the book had them at a moment."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from stockhook.model import Location, Movement, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.items import known_item
from stockhook.operations.locations import known_location
from stockhook.operations.past import AMEND, INSTANT, Past, refuse_future, units_of
from stockhook.store import FOREVER, Match, Range, Read

_TOGETHER: Final = 250
"""Units of which the movements are added up together."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which units: of an item, in a location and those below it, of a lot as it is written; None: of any.

    Those with a quantity, which a suspense unit below zero has, or ``everything``: those that are used up as well.
    """

    sku: str | None = None
    location: str | None = None
    lot: str | None = None
    everything: bool = False


IN_STOCK: Final = Selection()
"""All that have a quantity."""


@dataclass(frozen=True, slots=True)
class UnitsThen:
    """Units as they were, newest first; ``last`` is the id behind which there may be more, None where there are none.

    There may be more even where these are few: only so many units are looked at for one page.
    """

    units: tuple[Unit, ...]
    last: int | None


def list_units(
    desk: Desk,
    asked: Selection = IN_STOCK,
    *,
    as_of: datetime | None = None,
    after: tuple[Any, ...] | None = None,
    most: int = 1000,
) -> list[Unit]:
    """Return the units asked for, newest first, from behind the key ``after``.

    ``as_of`` gives each unit as the book had it at that moment, in quantity, hold, lot and all: what was booked later
    does not count, whenever it happened. Raises NotFound for an item or a location that does not exist, Refused for a
    moment in the future.
    """
    if as_of is not None:
        return [*units_then(desk, as_of, asked, after=after, most=most).units]
    with desk.store.read() as view:
        where = _where(view, asked)
        if asked.lot is not None:
            where["lot"] = asked.lot
        return view.find(Unit, where, after, most) if asked.everything else _with_quantity(view, where, after, most)


def units_then(
    desk: Desk,
    moment: datetime,
    asked: Selection = IN_STOCK,
    *,
    after: tuple[Any, ...] | None = None,
    most: int = 1000,
    looked_at: int = FOREVER,
) -> UnitsThen:
    """Return what ``list_units`` does for a moment, of at most about so many units that are ``looked_at``."""
    refuse_future(moment, desk.clock.now())
    with desk.store.read() as view:
        where, past = _where(view, asked), Past(view, moment)
        found: list[Unit] = []
        looked = 0
        for ids in _groups(view, _named(view, where, asked.lot, past), after):
            then = _then(view, where, ids, past, moment, everything=asked.everything)
            found += [unit for unit in then if asked.lot in (None, unit.lot)]
            looked += _TOGETHER
            if len(found) > most:
                return UnitsThen(tuple(found[:most]), found[most - 1].id)
            if looked >= looked_at:
                last = ids.low if isinstance(ids, Range) else min(ids)
                return UnitsThen(tuple(found), last if last > 1 else None)
    return UnitsThen(tuple(found), None)


def _where(view: Read, asked: Selection) -> dict[str, Match]:
    where: dict[str, Match] = {}
    if asked.sku is not None:
        where["sku"] = known_item(view, asked.sku).sku
    if asked.location is not None:
        where["location"] = _subtree(view, asked.location)
    return where


def _with_quantity(view: Read, where: dict[str, Match], after: tuple[Any, ...] | None, most: int) -> list[Unit]:
    found = view.find(Unit, where | {"quantity": Range(low=1)}, after, most)
    below_zero = view.find(Unit, {"suspense": True, "quantity": Range(high=0)}, after, FOREVER)  # by their own index
    owed = [unit for unit in below_zero if all(_fits(getattr(unit, name), asked) for name, asked in where.items())]
    return sorted((*found, *owed), key=lambda unit: -unit.id)[:most] if owed else found


def _fits(value: Any, asked: Match) -> bool:
    return value in asked if isinstance(asked, frozenset) else bool(value == asked)


def _subtree(view: Read, path: str) -> Match:
    """Return what units at a location and below it match; of one that has none below it, an index has them in order."""
    root = known_location(view, path).path
    below = {place.path for place in view.find(Location, most=FOREVER) if place.path.startswith(f"{root}/")}
    return frozenset(below | {root}) if below else root


def _named(view: Read, where: dict[str, Match], lot: str | None, past: Past) -> set[int] | None:
    """Return the units that may be meant, of an item or a lot as it was then; None where any may be."""
    if lot is not None:
        amended = {each for entry in past.changes if entry.action == AMEND for each in units_of(entry)}
        return {total.by[0] for total in view.totals(Unit, ("id",), {"lot": lot})} | amended
    if "sku" in where:
        return {total.by[0] for total in view.totals(Unit, ("id",), {"sku": where["sku"]})}
    return None


def _groups(view: Read, named: set[int] | None, after: tuple[Any, ...] | None) -> Iterator[Match]:
    """Yield which units to look at together, the newest first."""
    if named is not None:
        ids = sorted((each for each in named if after is None or each < after[0]), reverse=True)
        yield from (frozenset(ids[start : start + _TOGETHER]) for start in range(0, len(ids), _TOGETHER))
        return
    newest = view.find(Unit, most=1)
    high = after[0] if after is not None else newest[0].id + 1 if newest else 1
    while high > 1:
        yield Range(max(1, high - _TOGETHER), high)
        high -= _TOGETHER


def _then(
    view: Read, where: dict[str, Match], ids: Match, past: Past, moment: datetime, *, everything: bool
) -> Iterator[Unit]:
    """Yield the units of these that were booked in by then and had a quantity, or ``everything``, as they were."""
    booked = view.totals(Movement, ("unit_id",), {"unit_id": ids, "at": Range(high=moment + INSTANT)})
    had = {total.by[0]: total.amount for total in booked if total.amount or everything}
    for unit in view.find(Unit, where | {"id": frozenset(had)}, most=FOREVER) if had else ():
        yield past.unit(replace(unit, quantity=had[unit.id]))
