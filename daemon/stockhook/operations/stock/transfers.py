"""Goods that a person carries from one location to another."""

from dataclasses import dataclass, replace

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Booking, Movement, MovementKind, OrderKey, Unit, same_goods
from stockhook.operations.desk import Desk
from stockhook.operations.locations import known_location
from stockhook.operations.posting import Change, post
from stockhook.operations.stock.ledger import entry, known_unit
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import FOREVER, Read, Work


@dataclass(frozen=True, slots=True)
class Transferred:
    """The units as they are now, what was moved by which two movements, and the orders that were looked at again."""

    source: Unit
    target: Unit
    quantity: Quantity
    out: Movement
    into: Movement
    orders: tuple[OrderKey, ...]


def move(desk: Desk, unit_id: int, quantity: Quantity, path: str) -> Transferred:
    """Move so much of a unit to another location, as a unit there that inherits everything but the place.

    Goods of the same origin join a unit that lies there already, so that moving to and fro does not multiply units.
    What arrives where orders may take it settles what is owed. Raises NotFound or Refused, with nothing changed.
    """
    if quantity <= 0:
        raise Refused(f"{text(quantity)} cannot be moved; give a quantity above 0")
    with desk.store.read() as view:
        unit = known_unit(view, unit_id)

    def prepare(work: Work, batch: Batch) -> Change:
        place = known_location(work, path)
        source = known_unit(work, unit_id)
        _check(source, quantity, place.path)
        target = _lying_there(work, source, place.path)
        new: tuple[Unit, ...] = ()
        if target is None:
            target = replace(source, id=next(batch.ids), location=place.path, quantity=0, received=quantity)
            new = (target,)
        out = entry(desk, next(batch.ids), source, MovementKind.TRANSFER_OUT, -quantity)
        into = entry(desk, next(batch.ids), target, MovementKind.TRANSFER_IN, quantity, reverses=out.id)
        audit = desk.audit("stock move", f"unit {unit_id}", quantity=text(quantity), to=place.path)
        return Change(Booking(units=new, movements=(out, into)), (audit,), (place,) if new else ())

    def result(work: Work, orders: tuple[OrderKey, ...]) -> Transferred:
        out = work.find(Movement, {"unit_id": unit_id, "kind": MovementKind.TRANSFER_OUT}, most=1)[0]
        into = work.find(Movement, {"reverses": out.id, "kind": MovementKind.TRANSFER_IN}, most=1)[0]
        return Transferred(known_unit(work, unit_id), known_unit(work, into.unit_id), quantity, out, into, orders)

    return post(desk, {unit.sku}, prepare, result, settle=True)


def _check(unit: Unit, quantity: Quantity, path: str) -> None:
    if unit.location == path:
        raise Refused(f"unit {unit.id} lies at {path} already; nothing was changed")
    if unit.serial is not None and quantity != ONE:
        raise Refused(f"unit {unit.id} is one piece with the serial number {unit.serial}: move 1, not {text(quantity)}")
    if quantity > unit.quantity:
        raise Refused(
            f"unit {unit.id} holds {text(unit.quantity)} of {unit.sku}: {text(quantity)} cannot be moved; "
            "nothing was changed"
        )


def _lying_there(view: Read, unit: Unit, path: str) -> Unit | None:
    """Return the unit at a location that is of the same origin; the oldest, should there be several."""
    lying = view.find(Unit, {"sku": unit.sku, "location": path}, most=FOREVER)
    return next((other for other in reversed(lying) if same_goods(other, unit)), None)
