"""What a person has booked and takes back."""

from collections.abc import Iterator

from stockhook.errors import NotFound, Refused
from stockhook.model import Booking, Movement, MovementKind
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Change, post
from stockhook.operations.stock.ledger import Adjusted, adjusted, checked_reason, entry, known_unit
from stockhook.quantity import text
from stockhook.store import Read, Work


def undo(desk: Desk, movement_id: int, reason: str) -> Adjusted:
    """Book the opposite of a receipt or an adjustment; whatever was taken from it since must be given back first."""
    checked_reason(reason, "an undo")
    with desk.store.read() as view:
        unit = known_unit(view, _undoable(view, movement_id).unit_id)

    def prepare(work: Work, ids: Iterator[int]) -> Change:
        movement = _undoable(work, movement_id)
        current = known_unit(work, movement.unit_id)
        if current.quantity < movement.quantity:
            raise Refused(
                f"movement {movement_id} put {text(movement.quantity)} of {movement.sku} into unit {current.id}, which "
                f"holds {text(current.quantity)} now: the rest has been used; nothing was changed"
            )
        opposite = entry(
            desk, next(ids), current, MovementKind.REVERSAL, -movement.quantity, reason, reverses=movement_id
        )
        audit = desk.audit("stock undo", f"movement {movement_id}", reason)
        return Change(Booking(movements=(opposite,)), (audit,))

    return post(desk, {unit.sku}, prepare, lambda work, _: adjusted(work, unit.id), settle=False)


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
