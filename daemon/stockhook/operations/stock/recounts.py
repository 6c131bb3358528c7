"""A count that a person takes back: the shelf is no longer known, and what the count ended is wanted again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Audit, Count, Movement, MovementKind, OrderKey
from stockhook.operations.desk import Desk
from stockhook.operations.stock.counts import ACTION, FOR, LAST, NEVER
from stockhook.operations.stock.endings import open_again, read
from stockhook.operations.stock.ledger import known_unit
from stockhook.store import FOREVER, Read

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment of a count that speaks of nothing: whatever is booked has shipped since."""


@dataclass(frozen=True, slots=True)
class Recount:
    """One count: its movements, what is kept of it, and what was kept before it."""

    movements: tuple[Movement, ...]
    count: Count
    before: Count
    audit: Audit

    @property
    def orders(self) -> frozenset[OrderKey]:
        """The orders to which something was owed no more because of it."""
        return frozenset(read(self.audit.details))

    def open_again(self, desk: Desk, batch: Batch, reason: str) -> None:
        """Have the batch forget the count, and want what it has ended."""
        batch.pool.note(self.before)
        for key, quantity in read(self.audit.details).items():
            open_again(desk, batch, key, self.count.sku, quantity, reason)


def recount(view: Read, movement: Movement) -> Recount:
    """Return the count that a movement is of; raises Refused where it was counted again since."""
    of_it = {"sku": movement.sku, "kind": MovementKind.COUNT, "at": movement.at, "reference": movement.reference}
    movements = tuple(view.find(Movement, {**of_it, "order_id": None}, most=FOREVER))
    audit = view.find(Audit, {"action": ACTION, "subject": movement.reference, "at": movement.at}, most=1)[0]
    unit = known_unit(view, movement.unit_id)
    number = unit.id if movement.reference == f"unit {unit.id}" else 0
    count = Count(movement.sku, unit.location, number, datetime.fromisoformat(audit.details[FOR]))
    kept = view.find(Count, {"sku": count.sku, "location": count.location, "unit_id": number}, most=1)
    if kept != [count]:
        raise Refused(
            f"{movement.reference} was counted again since movement {movement.id}, or that count was taken back: "
            "nothing was changed"
        )
    last = audit.details[LAST]
    before = Count(count.sku, count.location, number, _NEVER if last == NEVER else datetime.fromisoformat(last))
    return Recount(movements, count, before, audit)
