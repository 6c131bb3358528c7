"""A quantity that a person puts right by a signed amount, with a reason."""

from collections.abc import Iterator

from stockhook.errors import Refused
from stockhook.model import Booking, MovementKind
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Change, post
from stockhook.operations.stock.ledger import Adjusted, adjusted, checked_reason, entry, known_unit
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import Work


def adjust(desk: Desk, unit_id: int, quantity: Quantity, reason: str, *, settle: bool = False) -> Adjusted:
    """Change a unit's quantity by a signed amount; ``settle``: use what was added for what is owed."""
    if not quantity:
        raise Refused("an adjustment by 0 changes nothing; give a quantity like +3 or -1")
    checked_reason(reason, "an adjustment")
    with desk.store.read() as view:
        unit = known_unit(view, unit_id)

    def prepare(work: Work, ids: Iterator[int]) -> Change:
        current = known_unit(work, unit_id)
        if current.quantity + quantity < 0:
            raise Refused(
                f"unit {unit_id} holds {text(current.quantity)} of {current.sku}: {text(quantity)} would leave it "
                "below zero; nothing was changed"
            )
        if current.serial is not None and quantity % ONE:
            raise Refused(f"unit {unit_id} is one piece with the serial number {current.serial}: adjust it by 1 or -1")
        movement = entry(desk, next(ids), current, MovementKind.ADJUSTMENT, quantity, reason)
        audit = desk.audit("stock adjust", f"unit {unit_id}", reason, quantity=text(quantity))
        return Change(Booking(movements=(movement,)), (audit,))

    return post(desk, {unit.sku}, prepare, lambda work, _: adjusted(work, unit_id), settle=settle)
