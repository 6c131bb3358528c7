"""A quantity that a person puts right by a signed amount, with a reason."""

from typing import Final

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Booking, MovementKind, fold
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Change, post
from stockhook.operations.stock.ledger import Adjusted, adjusted, entry, known_unit
from stockhook.operations.words import checked_reason
from stockhook.quantity import Quantity, text
from stockhook.store import Work

CODES: Final = ("damaged", "lost", "found", "expired", "sample", "theft", "correction")
"""The reasons that are usual; written in whatever case they are kept like this, so that they can be added up."""


def adjust(desk: Desk, unit_id: int, quantity: Quantity, reason: str, *, settle: bool = False) -> Adjusted:
    """Change a unit's quantity by a signed amount; ``settle``: use what was added for what is owed.

    ``reason`` is one of ``CODES``, or any short text. Raises NotFound or Refused, with nothing changed.
    """
    if not quantity:
        raise Refused("an adjustment by 0 changes nothing; give a quantity like +3 or -1")
    why = _code(checked_reason(reason, "an adjustment"))
    with desk.store.read() as view:
        unit = known_unit(view, unit_id)

    def prepare(work: Work, batch: Batch) -> Change:
        current = known_unit(work, unit_id)
        if current.quantity + quantity < 0:
            raise Refused(
                f"unit {unit_id} holds {text(current.quantity)} of {current.sku}: {text(quantity)} would leave it "
                "below zero; nothing was changed"
            )
        movement = entry(desk, next(batch.ids), current, MovementKind.ADJUSTMENT, quantity, why)
        audit = desk.audit("stock adjust", f"unit {unit_id}", why, quantity=text(quantity))
        return Change(Booking(movements=(movement,)), (audit,))

    return post(desk, {unit.sku}, prepare, lambda work, _: adjusted(work, unit_id), settle=settle)


def _code(reason: str) -> str:
    return fold(reason) if fold(reason) in CODES else reason
