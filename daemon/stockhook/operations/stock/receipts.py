"""Goods that come in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Audit, Booking, Item, Location, Movement, MovementKind, OrderKey, Unit, fold
from stockhook.operations.desk import Desk
from stockhook.operations.locations import unknown_location
from stockhook.operations.posting import Change, post
from stockhook.operations.stock import details
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import FOREVER, Range, Read, Work

_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Goods that come in as one unit. ``received_at`` None: now. ``unit_cost`` in millionths of the book's currency."""

    sku: str
    quantity: Quantity
    location: str
    received_at: datetime | None = None
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    unit_cost: Quantity | None = None
    priority: int | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The new units, in the order of the receipts, and the movement that brought each, whose number `stock undo` takes.

    ``orders`` are those that were looked at again because of them.
    """

    units: tuple[Unit, ...]
    movements: tuple[Movement, ...]
    orders: tuple[OrderKey, ...]


def receive(
    desk: Desk,
    receipts: Sequence[Receipt],
    *,
    made: Sequence[Item | Location] = (),
    records: Sequence[Any] = (),
    check: Callable[[Read], None] = lambda _: None,
) -> Received:
    """Book goods in, all of them or none, and settle what was owed of their items, oldest order first.

    ``made`` are new items and locations of the receipts, ``records`` what is saved in the same commit in place of an
    audit entry for each of them.
    ``check`` may raise Refused for what others have booked of the same items, up to the moment of booking.
    Raises Refused or NotFound with every receipt that cannot be booked, one line each.
    """
    items, places, newest = _check(desk, receipts, made)
    skus = {item.sku for item in items.values()}

    def prepare(work: Work, batch: Batch) -> Change:
        check(work)
        now = desk.clock.now()
        units = [_unit(next(batch.ids), receipt, items[fold(receipt.sku)], now) for receipt in receipts]
        movements = [
            Movement(
                id=next(batch.ids),
                unit_id=unit.id,
                sku=unit.sku,
                kind=MovementKind.RECEIPT,
                quantity=unit.received,
                at=now,
                actor=desk.actor,
                reference=unit.reference,
            )
            for unit in units
        ]
        said = records or [_audit(desk, unit) for unit in units]
        return Change(Booking(units=tuple(units), movements=tuple(movements)), (*made, *said), places)

    def result(work: Work, orders: tuple[OrderKey, ...]) -> Received:
        # By movements, as settling may have made units of the same items, too. Who else received some did so before.
        mine = {"sku": frozenset(skus), "kind": MovementKind.RECEIPT, "id": Range(low=newest)}
        movements = tuple(reversed(work.find(Movement, mine, most=len(receipts))))
        ids = frozenset(movement.unit_id for movement in movements)
        units = {unit.id: unit for unit in work.find(Unit, {"id": ids}, most=FOREVER)}
        return Received(tuple(units[movement.unit_id] for movement in movements), movements, orders)

    return post(desk, skus, prepare, result, settle=True)


def _check(
    desk: Desk, receipts: Sequence[Receipt], made: Sequence[Item | Location]
) -> tuple[dict[str, Item], tuple[Location, ...], int]:
    """Return the items by folded sku, the places of the receipts, and the id of the newest movement there is.

    Every fault of every receipt comes at once.
    """
    with desk.store.read() as view:
        items = dict(view.catalogue((), {fold(receipt.sku) for receipt in receipts}).items)
        places = {place.path: place for place in view.find(Location, most=FOREVER)}
        newest = view.find(Movement, most=1)
    items |= {fold(new.sku): new for new in made if isinstance(new, Item)}
    places |= {new.path: new for new in made if isinstance(new, Location)}
    faults: list[str] = []
    for receipt in receipts:
        item = items.get(fold(receipt.sku))
        if item is None:
            faults.append(f"there is no item {receipt.sku}; add it with: stockhook items add {receipt.sku}")
        elif item.retired:
            faults.append(f"{item.sku} is {retired(item)}")
        elif item.serial and (receipt.serial is None or receipt.quantity != ONE):
            faults.append(f"{item.sku} has serial numbers: receive one piece at a time, with its serial number")
        elif not item.serial and receipt.serial is not None:
            faults.append(f"{item.sku} has no serial numbers; receive it without one, or add the item with --serial")
        if receipt.location not in places:
            faults.append(unknown_location(receipt.location, places))
        if (early := not_come(receipt.received_at, desk.clock.now())) is not None:
            faults.append(early)
        faults += details.faults(receipt)
        if receipt.quantity <= 0:
            faults.append(f"{text(receipt.quantity)} of {receipt.sku} cannot be received; give a quantity above 0")
    if faults:
        raise Refused("\n".join(dict.fromkeys(faults)))
    used = {receipt.location for receipt in receipts}
    return items, tuple(places[path] for path in used), newest[0].id if newest else 0


def _audit(desk: Desk, unit: Unit) -> Audit:
    said = {"quantity": text(unit.received), "location": unit.location}
    named = {"lot": unit.lot, "serial": unit.serial, "reference": unit.reference}
    return desk.audit("stock receive", unit.sku, None, **said, **{name: word for name, word in named.items() if word})


def not_come(received_at: datetime | None, now: datetime) -> str | None:
    """Return what to say of goods said to have come in at a moment that is more than a day ahead, None for others.

    A day is left for clocks, and days, of other time zones.
    """
    if received_at is None or received_at <= now + _AHEAD:
        return None
    return (
        f"{received_at.astimezone(UTC):%Y-%m-%d %H:%M}Z has not come yet, so nothing has come in then; "
        f"it is {now:%Y-%m-%d %H:%M}Z now: give the moment they came in, or leave it out"
    )


def retired(item: Item) -> str:
    """Return what to say of receiving an item that is retired."""
    return f"retired, no more of it is received; to take that back: stockhook items retire {item.sku} --undo"


def _unit(unit_id: int, receipt: Receipt, item: Item, now: datetime) -> Unit:
    return Unit(
        id=unit_id,
        sku=item.sku,
        location=receipt.location,
        quantity=0,
        received=receipt.quantity,
        received_at=receipt.received_at or now,
        lot=receipt.lot or None,
        serial=receipt.serial or None,
        expires_on=receipt.expires_on,
        unit_cost=receipt.unit_cost,
        priority=receipt.priority,
        reference=receipt.reference or None,
    )
