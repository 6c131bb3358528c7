"""What was written down while counting, and what the book says about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stockhook.errors import NotFound, Refused
from stockhook.model import Count, Item, Location, Unit
from stockhook.operations.items import known_item
from stockhook.operations.locations import known_location
from stockhook.operations.stock.ledger import known_unit
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
    found: list[Sheet] = []
    faults: list[str] = []
    seen: dict[int | str, Tally] = {}
    for tally in tallies:
        try:
            sheet = _sheet(view, tally, at)
            _check(view, sheet, at)
            _refuse_twice(sheet, seen)
        except (Refused, NotFound) as error:
            faults.append(f"{tally.where}{error}")
        else:
            found.append(sheet)
    if faults:
        raise Refused("\n".join(faults))
    return found


def _sheet(view: Read, tally: Tally, at: datetime | None) -> Sheet:
    if tally.quantity < 0:
        raise Refused(f"{text(tally.quantity)} cannot be counted; where there is nothing, the count is 0")
    if tally.unit_id is not None:
        unit = known_unit(view, tally.unit_id)
        item, place, units = known_item(view, unit.sku), known_location(view, unit.location), [unit]
    else:
        item, place = known_item(view, tally.sku), known_location(view, tally.location)
        lying = view.find(Unit, {"sku": item.sku, "location": place.path}, most=FOREVER)
        units = [unit for unit in reversed(lying) if not unit.suspense]
    key = {"sku": item.sku, "location": place.path, "unit_id": tally.unit_id or 0}
    before = next((count.at for count in view.find(Count, key, most=1)), None)
    since = Counter[int]() if at is None else moved_since(view, units, at)
    return Sheet(tally, item, place, tuple(units), since, before)


def _check(view: Read, sheet: Sheet, at: datetime | None) -> None:
    tally = sheet.tally
    newest = max(_counted(view, sheet), default=at)
    if at is not None and newest is not None and newest > at:
        raise Refused(
            f"{sheet.name} was counted for {newest:%Y-%m-%d %H:%M:%S}Z, which is later than {at:%Y-%m-%d %H:%M:%S}Z; "
            "nothing was changed"
        )
    left = sum(unit.quantity for unit in sheet.units) + sheet.difference
    if left < 0:
        raise Refused(
            f"{text(tally.quantity)} of {sheet.item.sku} were counted, but {text(tally.quantity - left)} have left "
            "since then; count again what is there now, without --at"
        )
    _check_pieces(sheet)
    if tally.unit_id is None and tally.quantity and not any(unit.quantity for unit in sheet.units):
        _refuse_deeper(view, sheet)


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


def _refuse_deeper(view: Read, sheet: Sheet) -> None:
    lying = view.find(Unit, {"sku": sheet.item.sku}, most=FOREVER)
    below = {unit.location for unit in lying if unit.quantity and unit.location.startswith(f"{sheet.place.path}/")}
    if below:
        raise Refused(
            f"{sheet.item.sku} lies below {sheet.place.path}, not at it: count each location by itself "
            f"({', '.join(sorted(below))})"
        )


def _refuse_twice(sheet: Sheet, seen: dict[int | str, Tally]) -> None:
    names: set[int | str] = {sheet.name, *(unit.id for unit in sheet.units)}
    twice = next((seen[name] for name in names if name in seen), None)
    if twice is not None:
        raise Refused(f"{sheet.name} is counted twice{f', also on {twice.where[:-2]}' if twice.where else ''}")
    seen.update(dict.fromkeys(names, sheet.tally))


def _counted(view: Read, sheet: Sheet) -> Iterable[datetime]:
    """Yield the moments of the counts that speak of the same goods."""
    ids = {0, *(unit.id for unit in sheet.units)}
    for count in view.find(Count, {"sku": sheet.item.sku, "location": sheet.place.path}, most=FOREVER):
        if count.unit_id in ids:
            yield count.at


def _held_last(unit: Unit) -> tuple[bool, datetime, int]:
    return unit.held, unit.received_at, unit.id


def _newest(unit: Unit) -> tuple[bool, datetime, int]:
    return not unit.held, unit.received_at, unit.id
