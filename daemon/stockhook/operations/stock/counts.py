"""What a person has counted: the book follows the shelf (strategies.md section 5)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Audit, Booking, Count, Location, Movement, MovementKind, OrderKey, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import waiting_orders
from stockhook.operations.posting import Change, Moved, post
from stockhook.operations.stock.endings import counted_of, ended_by_counts, owed_of, written
from stockhook.operations.stock.ledger import entry, known_units
from stockhook.operations.stock.tallies import Sheet, Tally, sheets
from stockhook.quantity import Quantity, text
from stockhook.store import Read, Work

ACTION: Final = "stock count"
FOR: Final = "for"
LAST: Final = "last"
NEVER: Final = "never"


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
    """What counts book; ``booked`` is how many movements each sheet has, ``ended`` what orders are owed no more."""

    now: datetime
    at: datetime
    sheets: list[Sheet]
    booked: list[int] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    ended: list[dict[OrderKey, Quantity]] = field(default_factory=list)


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
    drafted: list[_Drafted] = []

    def prepare(work: Work, batch: Batch) -> Change:
        found = sheets(work, tallies, at)
        if not {sheet.item.sku for sheet in found} <= skus:
            raise Moved
        now = desk.clock.now()
        draft = _Drafted(now, at or now, found)
        drafted[:] = [draft]
        for sheet in found:
            _draft(desk, batch, draft, sheet)
        places = {sheet.place.path: sheet.place for sheet in found}
        orders = _end(desk, batch, draft, waiting_orders(work, skus), places.values())
        booking = Booking(units=tuple(draft.units), movements=tuple(draft.movements))
        told = partial(_told, desk, draft)
        return Change(booking, tuple(draft.counts), tuple(places.values()), orders, told, ends=True)

    def result(work: Work, _: object) -> Counts:
        draft = drafted[0]
        counted = tuple(_counted(work, draft))
        orders = tuple(dict.fromkeys(key for ended in draft.ended for key in ended))
        return Counts(draft.at, counted, sum(sum(ended.values()) for ended in draft.ended), orders)

    return post(desk, skus, prepare, result, settle=False, concerned=lambda work: waiting_orders(work, skus))


def _draft(desk: Desk, batch: Batch, draft: _Drafted, sheet: Sheet) -> None:
    changes = sheet.spread()
    if not changes:  # of nothing, too: a movement of 0 says what was counted, and is what takes the count back
        sku, path = sheet.item.sku, sheet.place.path
        new = Unit(next(batch.ids), sku, path, 0, received=sheet.difference, received_at=draft.at)
        draft.units.append(new)
        changes = [(new, sheet.difference)]
    for unit, quantity in changes:
        movement = entry(desk, next(batch.ids), unit, MovementKind.COUNT, quantity, reference=sheet.name)
        draft.movements.append(replace(movement, at=draft.now))
    draft.booked.append(len(changes))
    draft.counts.append(Count(sheet.item.sku, sheet.place.path, sheet.tally.unit_id or 0, draft.at))


def _end(
    desk: Desk, batch: Batch, draft: _Drafted, waiting: Collection[OrderKey], places: Iterable[Location]
) -> tuple[OrderKey, ...]:
    """Let the batch know of the counts, and return the orders that are owed less because of them."""
    batch.pool.know(places)
    owed = owed_of(batch, waiting)
    orders: dict[OrderKey, None] = {}
    for sheet, counted in zip(draft.sheets, draft.counts, strict=True):
        batch.pool.note(counted)
        sku = sheet.item.sku
        ending = [] if counted.unit_id else ended_by_counts(desk, batch, sorted(owed[sku]), sku)
        owed[sku].difference_update(ending)  # what another place of the file has ended is ended
        orders |= dict.fromkeys(ending)
        draft.ended.append({key: -counted_of(batch.state(key), sku) for key in ending})
    return tuple(orders)


def _told(desk: Desk, draft: _Drafted, batch: Batch) -> tuple[Audit, ...]:
    """Return the audit of each count, once the orders have been evaluated."""
    entries = []
    for sheet, ended in zip(draft.sheets, draft.ended, strict=True):
        for key in ended:
            ended[key] += counted_of(batch.state(key), sheet.item.sku)
        details = {
            "quantity": text(sheet.tally.quantity),
            "expected": text(sheet.expected),
            FOR: draft.at.astimezone(UTC).isoformat(),
            LAST: sheet.before.astimezone(UTC).isoformat() if sheet.before else NEVER,
            **written(ended),
        }
        entries.append(replace(desk.audit(ACTION, sheet.name, **details), at=draft.now))
    return tuple(entries)


def _counted(view: Read, draft: _Drafted) -> Iterator[Counted]:
    """Yield each count with the movements that it booked, as the ledger has them."""
    booked: defaultdict[tuple[str, str | None], list[Movement]] = defaultdict(list)
    where = {"sku": frozenset(sheet.item.sku for sheet in draft.sheets), "at": draft.now, "order_id": None}
    if draft.movements:
        for movement in view.find(Movement, {**where, "kind": MovementKind.COUNT}, most=len(draft.movements)):
            booked[movement.sku, movement.reference].append(movement)
    units = known_units(view, {movement.unit_id for movements in booked.values() for movement in movements})
    for sheet, number in zip(draft.sheets, draft.booked, strict=True):
        tally, newest = sheet.tally, booked[sheet.item.sku, sheet.name][:number]
        moved = tuple(CountedUnit(units[movement.unit_id], movement) for movement in reversed(newest))
        yield Counted(sheet.item.sku, sheet.place.path, tally.unit_id, tally.quantity, sheet.expected, moved)
