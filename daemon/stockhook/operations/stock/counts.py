"""What a person has counted: the book follows the shelf (strategies.md section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Booking, Count, Movement, MovementKind, OrderKey, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Change, Moved, post
from stockhook.operations.stock.endings import Ended, Shelf, end, owed_orders
from stockhook.operations.stock.ledger import entry, known_unit
from stockhook.operations.stock.tallies import Sheet, Tally, sheets
from stockhook.quantity import Quantity, text
from stockhook.store import Read, Work

ACTION: Final = "stock count"


@dataclass(frozen=True, slots=True)
class CountedUnit:
    """A unit as it is now, and the movement from what the book had to what it has."""

    unit: Unit
    movement: Movement


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of an item in a location, or (``unit_id``) of one unit, and what the book had expected then."""

    sku: str
    location: str
    unit_id: int | None
    quantity: Quantity
    expected: Quantity
    units: tuple[CountedUnit, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted, for which moment; how much is owed no more because of it, and to which orders."""

    at: datetime
    counted: tuple[Counted, ...]
    ended: Quantity
    orders: tuple[OrderKey, ...]


@dataclass(slots=True)
class _Drafted:
    """What counts book, as far as they have been looked at; ``booked`` says how many movements each sheet has."""

    now: datetime
    at: datetime
    sheets: list[Sheet]
    booked: list[int] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)
    ended: Quantity = 0
    orders: dict[OrderKey, None] = field(default_factory=dict)


def count(desk: Desk, tallies: Sequence[Tally], at: datetime | None = None) -> Counts:
    """Bring the book in line with what was counted at a moment (None: now); all tallies or none.

    Of an item in a location, what is missing is taken from the oldest receipt first, held ones last; what is more is
    put to the newest receipt there, or is a unit of its own. What came or went after the moment is added. A count of
    an item in a location ends what was owed of it to lines that had shipped from there; no count settles.
    Raises Refused with every tally that cannot be, with nothing changed.
    """
    if at is not None and at > desk.clock.now():
        raise Refused(f"{at:%Y-%m-%d %H:%M}Z has not come yet: a count says what was there, give a moment up to now")
    with desk.store.read() as view:
        skus = {sheet.item.sku for sheet in sheets(view, tallies, at)}
    keys: set[OrderKey] = set()
    drafted: list[_Drafted] = []

    def concerned(work: Work) -> set[OrderKey]:
        keys.clear()
        keys.update(owed_orders(work, skus))
        return keys

    def prepare(work: Work, batch: Batch) -> Change:
        found = sheets(work, tallies, at)
        if not {sheet.item.sku for sheet in found} <= skus:
            raise Moved
        now = desk.clock.now()
        draft = _Drafted(now, at or now, found)
        for sheet in found:
            ended = Ended()
            if sheet.tally.unit_id is None:
                ended = end(desk, batch, keys, Shelf(sheet.item.sku, sheet.place, draft.at))
            _draft(desk, batch, draft, sheet, ended)
        drafted[:] = [draft]
        places = {sheet.place.path: sheet.place for sheet in found}
        booking = Booking(units=tuple(draft.units), movements=tuple(draft.movements))
        return Change(booking, tuple(draft.records), tuple(places.values()), tuple(draft.orders))

    return post(desk, skus, prepare, lambda work, _: _counts(work, drafted[0]), settle=False, concerned=concerned)


def _draft(desk: Desk, batch: Batch, draft: _Drafted, sheet: Sheet, ended: Ended) -> None:
    changes = sheet.spread()
    if sheet.difference > 0 and not changes:
        sku, path = sheet.item.sku, sheet.place.path
        new = Unit(next(batch.ids), sku, path, 0, received=sheet.difference, received_at=draft.at)
        draft.units.append(new)
        changes = [(new, sheet.difference)]
    for unit, quantity in changes:
        movement = entry(desk, next(batch.ids), unit, MovementKind.COUNT, quantity, reference=sheet.name)
        draft.movements.append(replace(movement, at=draft.now))
    draft.booked.append(len(changes))
    draft.ended += ended.quantity
    draft.orders |= ended.orders
    details = {
        "quantity": text(sheet.tally.quantity),
        "expected": text(sheet.expected),
        "for": draft.at.astimezone(UTC).isoformat(),
        "last": sheet.before.astimezone(UTC).isoformat() if sheet.before else "never",
        **ended.details,
    }
    audit = replace(desk.audit(ACTION, sheet.name, **details), at=draft.now)
    draft.records += [Count(sheet.item.sku, sheet.place.path, sheet.tally.unit_id or 0, draft.at), audit]


def _counts(view: Read, draft: _Drafted) -> Counts:
    counted = tuple(_counted(view, *each, draft.now) for each in zip(draft.sheets, draft.booked, strict=True))
    return Counts(draft.at, counted, draft.ended, tuple(draft.orders))


def _counted(view: Read, sheet: Sheet, booked: int, now: datetime) -> Counted:
    where = {"sku": sheet.item.sku, "kind": MovementKind.COUNT, "at": now, "reference": sheet.name, "order_id": None}
    movements = reversed(view.find(Movement, where, most=booked) if booked else [])
    units = tuple(CountedUnit(known_unit(view, movement.unit_id), movement) for movement in movements)
    tally = sheet.tally
    return Counted(sheet.item.sku, sheet.place.path, tally.unit_id, tally.quantity, sheet.expected, units)
