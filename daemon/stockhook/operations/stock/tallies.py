"""What was written down while counting, and what the book says about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stockhook.errors import NotFound, Refused
from stockhook.model import Count, Item, Location, Unit
from stockhook.operations.items import known_item
from stockhook.operations.locations import known_location
from stockhook.operations.stock.ledger import known_units, of_goods
from stockhook.operations.stock.moments import moved_since
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import FOREVER, Read


@dataclass(frozen=True, slots=True)
class Tally:
    """So much was counted: of one unit, or of an item in one location. ``where`` goes before what is wrong with it."""

    quantity: Quantity
    unit_id: int | None = None
    sku: str = ""
    location: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A tally with what it is about: the item, the place, the units that are or were there, what moved ``since``.

    ``before`` is the moment of the count that this one takes the place of.
    """

    tally: Tally
    item: Item
    place: Location
    units: tuple[Unit, ...]
    since: Counter[int]
    before: datetime | None

    @property
    def name(self) -> str:
        """What was counted, for the ledger and the audit."""
        unit_id = self.tally.unit_id
        return f"{self.item.sku} at {self.place.path}" if unit_id is None else f"unit {unit_id}"

    @property
    def expected(self) -> Quantity:
        """What the book says was there at the moment of the count."""
        return sum(unit.quantity - self.since[unit.id] for unit in self.units)

    @property
    def difference(self) -> Quantity:
        """What must be added to the book: below zero where less was counted than expected."""
        return self.tally.quantity - self.expected

    def spread(self) -> list[tuple[Unit, Quantity]]:
        """Return the change of each unit that lies there, 0 included; without a unit for it, the rest is a new one's.

        What is missing is taken from the oldest receipt first, held ones last; more goes to the newest receipt.
        """
        lying = sorted((unit for unit in self.units if unit.quantity), key=_held_last)
        left = self.difference
        if left > 0:
            newest = max([*lying] or self.units, key=_newest, default=None)
            chosen = [*lying, newest] if newest is not None and newest not in lying else lying
            return [(unit, left if unit is newest else 0) for unit in chosen]
        changes = []
        for unit in lying:
            part = min(-left, unit.quantity)
            left += part
            changes.append((unit, -part))
        return changes or [(unit, 0) for unit in self.units[:1]]


def sheets(view: Read, tallies: Sequence[Tally], at: datetime | None) -> list[Sheet]:
    """Return tallies with what they are about; ``at`` None: now.

    Raises Refused with every fault of every tally, one line each.
    """
    book = _Book(view, tallies)
    found: dict[int, Sheet] = {}
    faults: dict[int, str] = {}
    for n, tally in enumerate(tallies):
        try:
            found[n] = book.sheet(tally)
        except (Refused, NotFound) as error:
            faults[n] = f"{tally.where}{error}"
    units = {unit.id: unit for sheet in found.values() for unit in sheet.units}
    since = Counter[int]() if at is None else moved_since(view, units.values(), at)
    seen: dict[int | str, Tally] = {}
    for n, sheet in found.items():
        found[n] = replace(sheet, since=since)
        try:
            book.check(found[n], at)
            _refuse_twice(sheet, seen)
        except Refused as error:
            faults[n] = f"{sheet.tally.where}{error}"
    if faults:
        raise Refused("\n".join(faults[n] for n in sorted(faults)))
    return list(found.values())


class _Book:
    """What the book has of what was counted, read for all tallies together: there may be thousands of one item."""

    def __init__(self, view: Read, tallies: Sequence[Tally]) -> None:
        self._view = view
        ids = frozenset(tally.unit_id for tally in tallies if tally.unit_id is not None)
        self._units = known_units(view, ids)
        skus = {unit.sku for unit in self._units.values()} | {tally.sku for tally in tallies if tally.unit_id is None}
        self._catalogue = view.catalogue((), skus)
        self._places: dict[str, Location] = {}
        self._counts: dict[tuple[str, str], dict[int, datetime]] = {}
        self._lying: dict[str, set[str]] = {}

    def sheet(self, tally: Tally) -> Sheet:
        """Return what a tally is about, but for what moved since; raises Refused and NotFound."""
        if tally.quantity < 0:
            raise Refused(f"{text(tally.quantity)} cannot be counted; where there is nothing, the count is 0")
        if tally.unit_id is not None:
            unit = of_goods(tally.unit_id, self._units.get(tally.unit_id))
            item, place, units = self._item(unit.sku), self._place(unit.location), [unit]
        else:
            item, place = self._item(tally.sku), self._place(tally.location)
            lying = self._view.find(Unit, {"sku": item.sku, "location": place.path}, most=FOREVER)
            units = [unit for unit in reversed(lying) if not unit.suspense]
        before = self._counted(item, place).get(tally.unit_id or 0)
        return Sheet(tally, item, place, tuple(units), Counter(), before)

    def check(self, sheet: Sheet, at: datetime | None) -> None:
        """Raise Refused where the book cannot be brought in line with a count at that moment."""
        tally = sheet.tally
        counted = self._counted(sheet.item, sheet.place)
        newest = max((counted[n] for n in (0, *(unit.id for unit in sheet.units)) if n in counted), default=at)
        if at is not None and newest is not None and newest > at:
            raise Refused(
                f"{sheet.name} was counted for {newest:%Y-%m-%d %H:%M:%S}Z, which is later than "
                f"{at:%Y-%m-%d %H:%M:%S}Z; nothing was changed"
            )
        left = sum(unit.quantity for unit in sheet.units) + sheet.difference
        if left < 0:
            raise Refused(
                f"{text(tally.quantity)} of {sheet.item.sku} were counted, but {text(tally.quantity - left)} have "
                "left since then; count again what is there now"
            )
        _check_pieces(sheet)
        if tally.unit_id is None and tally.quantity and not any(unit.quantity for unit in sheet.units):
            self._refuse_deeper(sheet)

    def _refuse_deeper(self, sheet: Sheet) -> None:
        sku = sheet.item.sku
        if sku not in self._lying:
            units = self._view.find(Unit, {"sku": sku}, most=FOREVER)
            self._lying[sku] = {unit.location for unit in units if unit.quantity}
        below = sorted(path for path in self._lying[sku] if path.startswith(f"{sheet.place.path}/"))
        if below:
            raise Refused(
                f"{sku} lies below {sheet.place.path}, not at it: count each location by itself ({', '.join(below)})"
            )

    def _item(self, sku: str) -> Item:
        return known_item(self._view, sku, self._catalogue)

    def _place(self, path: str) -> Location:
        if path not in self._places:
            self._places[path] = known_location(self._view, path)
        return self._places[path]

    def _counted(self, item: Item, place: Location) -> dict[int, datetime]:
        """Return the moments for which an item was last counted in a place, by unit, or by 0 for all of it."""
        key = (item.sku, place.path)
        if key not in self._counts:
            counts = self._view.find(Count, {"sku": item.sku, "location": place.path}, most=FOREVER)
            self._counts[key] = {count.unit_id: count.at for count in counts}
        return self._counts[key]


def _check_pieces(sheet: Sheet) -> None:
    """Raise Refused where nobody could tell which of the pieces is missing, or what the number of one more is."""
    item, tally = sheet.item, sheet.tally
    if not item.serial or not sheet.difference:
        return
    if tally.unit_id is None:
        pieces = ", ".join(f"{unit.id} ({unit.serial})" for unit in sheet.units if unit.quantity)
        raise Refused(
            f"{item.sku} has serial numbers, and {text(sheet.expected)} should be at {sheet.place.path}, not "
            f"{text(tally.quantity)}: count each piece by itself, 1 or 0 of unit {pieces or 'none'}; receive one more "
            "with its number"
        )
    if tally.quantity not in (0, ONE):
        raise Refused(
            f"unit {tally.unit_id} is one piece with a serial number: count 1 or 0, not {text(tally.quantity)}"
        )


def _refuse_twice(sheet: Sheet, seen: dict[int | str, Tally]) -> None:
    names: set[int | str] = {sheet.name, *(unit.id for unit in sheet.units)}
    twice = next((seen[name] for name in names if name in seen), None)
    if twice is not None:
        raise Refused(f"{sheet.name} is counted twice{f', also on {twice.where[:-2]}' if twice.where else ''}")
    seen.update(dict.fromkeys(names, sheet.tally))


def _held_last(unit: Unit) -> tuple[bool, datetime, int]:
    return unit.held, unit.received_at, unit.id


def _newest(unit: Unit) -> tuple[bool, datetime, int]:
    return not unit.held, unit.received_at, unit.id
