"""What a person has booked and takes back: by the opposite, which names it; nothing is ever deleted."""

from typing import Final, NoReturn

from stockhook.batch import Batch
from stockhook.errors import NotFound, Refused
from stockhook.model import Booking, Movement, MovementKind, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Change, post
from stockhook.operations.stock.ledger import Adjusted, adjusted, checked_reason, entry, known_unit
from stockhook.quantity import text
from stockhook.store import FOREVER, Read, Work

_HALVES: Final = frozenset({MovementKind.TRANSFER_OUT, MovementKind.TRANSFER_IN})
_UNDOABLE: Final = frozenset({MovementKind.RECEIPT, MovementKind.ADJUSTMENT, *_HALVES})


def undo(desk: Desk, movement_id: int, reason: str) -> Adjusted:
    """Book the opposite of a receipt, an adjustment, or both halves of a move.

    Whatever was taken from the goods since must be given back first. Raises NotFound or Refused, with nothing changed.
    """
    words = checked_reason(reason, "an undo")
    with desk.store.read() as view:
        movements = _undoable(view, movement_id)

    def prepare(work: Work, batch: Batch) -> Change:
        opposites = []
        for movement in _undoable(work, movement_id):
            unit = known_unit(work, movement.unit_id)
            _refuse_used(unit, movement)
            opposites.append(
                entry(
                    desk,
                    next(batch.ids),
                    unit,
                    MovementKind.REVERSAL,
                    -movement.quantity,
                    words,
                    reverses=movement.id,
                )
            )
        audit = desk.audit("stock undo", f"movement {movement_id}", words, kind=movements[0].kind)
        return Change(Booking(movements=tuple(opposites)), (audit,))

    moves = movements[0].kind in _HALVES
    return post(desk, {movements[0].sku}, prepare, lambda work, _: adjusted(work, movements[0].unit_id), settle=moves)


def _undoable(view: Read, movement_id: int) -> list[Movement]:
    """Return the movement, with the other half of a move: first the one that put goods on the shelf they leave now."""
    found = view.find(Movement, {"id": movement_id}, most=1)
    if not found:
        raise NotFound(
            f"there is no movement {movement_id}; the page of a unit lists its movements, and so does "
            "`stockhook orders show` those of an order"
        )
    movement = found[0]
    if movement.kind not in _UNDOABLE:
        _refuse_kind(movement)
    undone = view.find(Movement, {"reverses": movement_id, "kind": MovementKind.REVERSAL}, most=1)
    if undone:
        raise Refused(f"movement {movement_id} was undone before, by movement {undone[0].id}; nothing was changed")
    match movement.kind:
        case MovementKind.TRANSFER_OUT:
            where = {"reverses": movement_id, "kind": MovementKind.TRANSFER_IN}
        case MovementKind.TRANSFER_IN:
            where = {"id": movement.reverses}
        case _:
            return [movement]
    halves = [movement, *view.find(Movement, where, most=FOREVER)]
    return sorted(halves, key=lambda half: half.quantity)


def _refuse_kind(movement: Movement) -> NoReturn:
    number, kind = movement.id, movement.kind
    if movement.order_id is not None:
        raise Refused(
            f"movement {number} is a {kind} of order {movement.order_id}, and follows the order; change what is booked "
            f"for it: stockhook orders correct {movement.order_id} LINE --to-unit U, --quantity N or --returned N"
        )
    if kind is MovementKind.COUNT:
        raise Refused(
            f"movement {number} is a count, after which the shelf is known; count again what was counted wrong: "
            f"stockhook stock count {movement.unit_id} QUANTITY"
        )
    raise Refused(f"movement {number} has undone movement {movement.reverses}; book anew what was undone by mistake")


def _refuse_used(unit: Unit, movement: Movement) -> None:
    if unit.quantity < movement.quantity:
        raise Refused(
            f"movement {movement.id} put {text(movement.quantity)} of {movement.sku} into unit {unit.id}, which "
            f"holds {text(unit.quantity)} now: the rest has been used or moved on; nothing was changed"
        )
