"""What a person has booked and takes back: by the opposite, which names it; nothing is ever deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Audit, Booking, Movement, MovementKind, OrderKey, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Change, post
from stockhook.operations.problems import owe_again
from stockhook.operations.records import known
from stockhook.operations.stock.ledger import Adjusted, adjusted, entry, known_unit
from stockhook.operations.stock.recounts import Recount, recount
from stockhook.operations.stock.unreturned import Unreturned
from stockhook.operations.words import checked_reason
from stockhook.quantity import text
from stockhook.store import FOREVER, Match, Read, Work

_HALVES: Final = frozenset({MovementKind.TRANSFER_OUT, MovementKind.TRANSFER_IN})
_ALONE: Final = frozenset({MovementKind.RECEIPT, MovementKind.ADJUSTMENT})


@dataclass(frozen=True, slots=True)
class _Undone:
    """The movements that go together; for a count what else it has changed, and a return, which its order books."""

    movements: Sequence[Movement]
    count: Recount | None = None
    back: Unreturned | None = None

    @property
    def orders(self) -> frozenset[OrderKey]:
        if self.back:
            return frozenset({self.back.key})
        return self.count.orders if self.count else frozenset()


def undo(desk: Desk, movement_id: int, reason: str) -> Adjusted:
    """Book the opposite of a receipt, an adjustment, a return, a whole count, or both halves of a move.

    Whatever was taken from the goods since must be given back first. What a count has ended is owed again, unless it
    is there, and what had left before it is taken from the shelf again; in shadow mode nothing can be booked for
    orders, and what concerns one is refused. Raises NotFound or Refused, with nothing changed.
    """
    words = checked_reason(reason, "an undo")
    with desk.store.read() as view:
        first = known(view, Movement, movement_id)
        _undoable(view, first)

    def prepare(work: Work, batch: Batch) -> Change:
        undone = _undoable(work, known(work, Movement, movement_id))
        if undone.orders:
            desk.refuse_in_shadow(f"undoing movement {movement_id}")
        opposites = []
        audit = desk.audit("stock undo", f"movement {movement_id}", words, kind=first.kind)
        if undone.back is not None:
            _refuse_used(known_unit(work, first.unit_id), first)
            return _taken_back(desk, batch, undone.back, words, audit)
        for movement in undone.movements:
            unit = known_unit(work, movement.unit_id)
            _refuse_used(unit, movement)
            kind, quantity = MovementKind.REVERSAL, -movement.quantity
            opposites.append(entry(desk, next(batch.ids), unit, kind, quantity, words, reverses=movement.id))
        booking = Booking(movements=tuple(opposites))
        if undone.count is None:
            return Change(booking, (audit,))
        resting = {movement.unit_id for movement in (*undone.movements, *undone.count.resting)}
        undone.count.open_again(desk, batch, {number: known_unit(work, number) for number in resting}, words)
        return Change(booking, (undone.count.before, audit), orders=tuple(undone.count.ended))

    def result(work: Work, orders: tuple[OrderKey, ...]) -> Adjusted:
        if first.kind is MovementKind.COUNT:
            owe_again(work, orders, "is owed again: a count was taken back")
        opposite = Unreturned(first).opposite(work) if first.kind is MovementKind.RETURN else None
        return adjusted(work, first.unit_id, opposite)

    return post(
        desk,
        {first.sku},
        prepare,
        result,
        settle=first.kind in _HALVES,
        concerned=lambda work: _undoable(work, known(work, Movement, movement_id)).orders,
    )


def _taken_back(desk: Desk, batch: Batch, back: Unreturned, reason: str, audit: Audit) -> Change:
    before = back.returned(batch)
    back.book(desk, batch, reason)

    def told(batch: Batch) -> tuple[Audit]:
        back.refuse_again(batch, before)
        return (audit,)

    return Change(Booking(), orders=(back.key,), told=told)


def _undoable(view: Read, movement: Movement) -> _Undone:
    """Return what is undone with a movement: what takes goods from the shelf comes first."""
    if movement.kind is MovementKind.RETURN and movement.quantity > 0:
        back = Unreturned(movement)
        _refuse_twice(movement, back.opposite(view))
        return _Undone([movement], back=back)
    counts = movement.kind is MovementKind.COUNT and movement.order_id is None
    if movement.kind not in _ALONE | _HALVES and not counts:
        _refuse_kind(movement)
    undone = view.find(Movement, {"reverses": movement.id, "kind": MovementKind.REVERSAL}, most=1)
    _refuse_twice(movement, next(iter(undone), None))
    if counts:
        count = recount(view, movement)
        return _Undone(count.movements, count)
    if movement.kind in _ALONE:
        return _Undone([movement])
    where: dict[str, Match] = {"id": movement.reverses}
    if movement.kind is MovementKind.TRANSFER_OUT:
        where = {"reverses": movement.id, "kind": MovementKind.TRANSFER_IN}
    halves = [movement, *view.find(Movement, where, most=FOREVER)]
    if len({half.sku for half in halves}) > 1:
        old, new = sorted(halves, key=lambda half: half.quantity)
        raise Refused(
            f"movement {movement.id} is of a rename; take that back by: stockhook items rename {new.sku} {old.sku}"
        )
    return _Undone(sorted(halves, key=lambda half: -half.quantity))


def _refuse_twice(movement: Movement, opposite: Movement | None) -> None:
    if opposite is not None:
        raise Refused(f"movement {movement.id} was undone before, by movement {opposite.id}; nothing was changed")


def _refuse_kind(movement: Movement) -> NoReturn:
    number, kind = movement.id, movement.kind
    if movement.order_id is not None:
        raise Refused(
            f"movement {number} is a {kind} of order {movement.order_id}, and follows the order; change what is booked "
            f"for it: stockhook orders correct {movement.order_id} LINE --to-unit U, --quantity N or --returned N"
        )
    raise Refused(f"movement {number} has undone movement {movement.reverses}; book anew what was undone by mistake")


def _refuse_used(unit: Unit, movement: Movement) -> None:
    if unit.quantity < movement.quantity:
        raise Refused(
            f"movement {movement.id} put {text(movement.quantity)} of {movement.sku} into unit {unit.id}, which "
            f"holds {text(unit.quantity)} now: the rest has been used or moved on; nothing was changed"
        )
