"""What a person does to stock: receive, adjust, undo."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from stockhook.errors import NotFound, Refused
from stockhook.model import Booking, Item, Location, Movement, MovementKind, OrderKey, Shortage, Unit, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.operations.posting import Change, post
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import FOREVER, Range, Read, Work


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
    """The new units, in the order of the receipts, and the orders that were looked at again because of them."""

    units: tuple[Unit, ...]
    orders: tuple[OrderKey, ...]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The unit as it is now, the movement that the person made, and what is still owed of its item."""

    unit: Unit
    movement: Movement
    owed: Quantity


def receive(
    desk: Desk,
    receipts: Sequence[Receipt],
    *,
    made: Sequence[Item | Location] = (),
    records: Sequence[Any] = (),
    check: Callable[[Read], None] = lambda _: None,
) -> Received:
    """Book goods in, all of them or none, and settle what was owed of their items, oldest order first.

    ``made`` are new items and locations of the receipts, ``records`` whatever else is saved in the same commit.
    ``check`` may raise Refused for what others have booked of the same items, up to the moment of booking.
    Raises Refused or NotFound with every receipt that cannot be booked, one line each.
    """
    items, places = _check(desk, receipts, made)
    skus = {item.sku for item in items.values()}

    def prepare(work: Work, ids: Iterator[int]) -> Change:
        check(work)
        _check_serials(work, receipts, items)
        now = desk.clock.now()
        units = [_unit(next(ids), receipt, items[fold(receipt.sku)], now) for receipt in receipts]
        movements = [
            Movement(
                id=next(ids),
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
        return Change(Booking(units=tuple(units), movements=tuple(movements)), (*made, *records), places)

    def result(work: Work, orders: tuple[OrderKey, ...]) -> Received:
        newest = work.find(Unit, {"sku": frozenset(skus)}, most=len(receipts))
        return Received(tuple(reversed(newest)), orders)

    return post(desk, skus, prepare, result, settle=True)


def receipt_of(desk: Desk, unit: Unit) -> Movement:
    """Return the movement that brought a unit's goods, whose number `stock undo` takes."""
    with desk.store.read() as view:
        movements = every(view, Movement, {"unit_id": unit.id})
        return next(movement for movement in movements if movement.kind is MovementKind.RECEIPT)


def adjust(desk: Desk, unit_id: int, quantity: Quantity, reason: str, *, settle: bool = False) -> Adjusted:
    """Change a unit's quantity by a signed amount; ``settle``: use what was added for what is owed."""
    if not quantity:
        raise Refused("an adjustment by 0 changes nothing; give a quantity like +3 or -1")
    _require_reason(reason, "an adjustment")
    with desk.store.read() as view:
        unit = _find_unit(view, unit_id)

    def prepare(work: Work, ids: Iterator[int]) -> Change:
        current = _find_unit(work, unit_id)
        if current.quantity + quantity < 0:
            raise Refused(
                f"unit {unit_id} holds {text(current.quantity)} of {current.sku}: {text(quantity)} would leave it "
                "below zero; nothing was changed"
            )
        if current.serial is not None and quantity % ONE:
            raise Refused(f"unit {unit_id} is one piece with the serial number {current.serial}: adjust it by 1 or -1")
        movement = _movement(desk, next(ids), current, MovementKind.ADJUSTMENT, quantity, reason)
        audit = desk.audit("stock adjust", f"unit {unit_id}", reason, quantity=text(quantity))
        return Change(Booking(movements=(movement,)), (audit,))

    return post(desk, {unit.sku}, prepare, lambda work, _: _adjusted(work, unit_id), settle=settle)


def undo(desk: Desk, movement_id: int, reason: str) -> Adjusted:
    """Book the opposite of a receipt or an adjustment; whatever was taken from it since must be given back first."""
    _require_reason(reason, "an undo")
    with desk.store.read() as view:
        unit = _find_unit(view, _undoable(view, movement_id).unit_id)

    def prepare(work: Work, ids: Iterator[int]) -> Change:
        movement = _undoable(work, movement_id)
        current = _find_unit(work, movement.unit_id)
        if current.quantity < movement.quantity:
            raise Refused(
                f"movement {movement_id} put {text(movement.quantity)} of {movement.sku} into unit {current.id}, which "
                f"holds {text(current.quantity)} now: the rest has been used; nothing was changed"
            )
        opposite = _movement(
            desk, next(ids), current, MovementKind.REVERSAL, -movement.quantity, reason, reverses=movement_id
        )
        audit = desk.audit("stock undo", f"movement {movement_id}", reason)
        return Change(Booking(movements=(opposite,)), (audit,))

    return post(desk, {unit.sku}, prepare, lambda work, _: _adjusted(work, unit.id), settle=False)


def _check(
    desk: Desk, receipts: Sequence[Receipt], made: Sequence[Item | Location]
) -> tuple[dict[str, Item], tuple[Location, ...]]:
    """Return the items by folded sku and the places of the receipts; every fault of every receipt comes at once."""
    with desk.store.read() as view:
        items = dict(view.catalogue((), {fold(receipt.sku) for receipt in receipts}).items)
        places = {place.path: place for place in view.find(Location, most=FOREVER)}
    items |= {fold(new.sku): new for new in made if isinstance(new, Item)}
    places |= {new.path: new for new in made if isinstance(new, Location)}
    faults: list[str] = []
    for receipt in receipts:
        item = items.get(fold(receipt.sku))
        if item is None:
            faults.append(f"there is no item {receipt.sku}; add it with: stockhook items add {receipt.sku}")
        elif item.serial and (receipt.serial is None or receipt.quantity != ONE):
            faults.append(f"{item.sku} has serial numbers: receive each piece by itself, quantity 1, with --serial")
        elif not item.serial and receipt.serial is not None:
            faults.append(f"{item.sku} has no serial numbers; receive it without one, or add the item with --serial")
        if receipt.location not in places:
            faults.append(
                f"there is no location {receipt.location}; add it with: stockhook locations add {receipt.location}"
            )
        if receipt.quantity <= 0:
            faults.append(f"{text(receipt.quantity)} of {receipt.sku} cannot be received; give a quantity above 0")
    if faults:
        raise Refused("\n".join(dict.fromkeys(faults)))
    return items, tuple(places[path] for path in {receipt.location for receipt in receipts})


def _check_serials(work: Read, receipts: Sequence[Receipt], items: dict[str, Item]) -> None:
    wanted = [(items[fold(r.sku)].sku, r.serial) for r in receipts if r.serial is not None]
    if len(set(wanted)) != len(wanted):
        raise Refused("a serial number is named twice; each piece has its own")
    serials = frozenset(serial for _, serial in wanted)
    if not serials:
        return
    for unit in work.find(Unit, {"serial": serials, "quantity": Range(low=1)}, most=FOREVER):
        if (unit.sku, unit.serial) in wanted:
            raise Refused(f"{unit.sku} with the serial number {unit.serial} is in stock already, as unit {unit.id}")


def _unit(unit_id: int, receipt: Receipt, item: Item, now: datetime) -> Unit:
    return Unit(
        id=unit_id,
        sku=item.sku,
        location=receipt.location,
        quantity=0,
        received=receipt.quantity,
        received_at=receipt.received_at or now,
        lot=receipt.lot,
        serial=receipt.serial,
        expires_on=receipt.expires_on,
        unit_cost=receipt.unit_cost,
        priority=receipt.priority,
        reference=receipt.reference,
    )


def _movement(
    desk: Desk,
    movement_id: int,
    unit: Unit,
    kind: MovementKind,
    quantity: Quantity,
    reason: str,
    *,
    reverses: int | None = None,
) -> Movement:
    return Movement(
        id=movement_id,
        unit_id=unit.id,
        sku=unit.sku,
        kind=kind,
        quantity=quantity,
        at=desk.clock.now(),
        actor=desk.actor,
        reverses=reverses,
        reason=reason,
    )


def _find_unit(view: Read, unit_id: int) -> Unit:
    found = view.find(Unit, {"id": unit_id}, most=1)
    if not found:
        raise NotFound(f"there is no unit {unit_id}; `stockhook stock list` shows them")
    return found[0]


def _undoable(view: Read, movement_id: int) -> Movement:
    found = view.find(Movement, {"id": movement_id}, most=1)
    if not found:
        raise NotFound(f"there is no movement {movement_id}; the page of a unit lists its movements")
    movement = found[0]
    if movement.kind not in (MovementKind.RECEIPT, MovementKind.ADJUSTMENT):
        raise Refused(
            f"movement {movement_id} is a {movement.kind}: only a receipt or an adjustment can be undone; what an "
            "order consumed follows the order"
        )
    undone = view.find(Movement, {"reverses": movement_id}, most=1)
    if undone:
        raise Refused(f"movement {movement_id} was undone before, by movement {undone[0].id}")
    return movement


def _adjusted(work: Work, unit_id: int) -> Adjusted:
    unit = _find_unit(work, unit_id)
    owed = work.totals(Shortage, where={"sku": unit.sku, "open": Range(low=1)})
    return Adjusted(unit, _newest_by_a_person(work, unit_id), sum(total.amount for total in owed))


def _newest_by_a_person(view: Read, unit_id: int) -> Movement:
    """Return the newest movement that belongs to no order: what settling took in the same commit is newer."""
    return next(movement for movement in every(view, Movement, {"unit_id": unit_id}) if movement.order_id is None)


def _require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise Refused(f"{what} needs a reason, for whoever reads the ledger later")
