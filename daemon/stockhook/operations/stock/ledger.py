"""What every change that a person makes to stock has in common."""

from dataclasses import dataclass

from stockhook.errors import NotFound, Refused
from stockhook.model import Movement, MovementKind, Shortage, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.quantity import Quantity
from stockhook.store import Range, Read, Work


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The unit as it is now, the movement that the person made, and what is still owed of its item."""

    unit: Unit
    movement: Movement
    owed: Quantity


def entry(
    desk: Desk,
    movement_id: int,
    unit: Unit,
    kind: MovementKind,
    quantity: Quantity,
    reason: str,
    *,
    reverses: int | None = None,
) -> Movement:
    """Return the movement of a unit that a person makes here and now."""
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


def known_unit(view: Read, unit_id: int) -> Unit:
    """Return the unit; raises NotFound with where to look."""
    found = view.find(Unit, {"id": unit_id}, most=1)
    if not found:
        raise NotFound(f"there is no unit {unit_id}; `stockhook stock list` shows them")
    return found[0]


def adjusted(work: Work, unit_id: int) -> Adjusted:
    """Return how a unit stands after a person's change to it."""
    unit = known_unit(work, unit_id)
    owed = work.totals(Shortage, where={"sku": unit.sku, "open": Range(low=1)})
    return Adjusted(unit, _newest_by_a_person(work, unit_id), sum(total.amount for total in owed))


def _newest_by_a_person(view: Read, unit_id: int) -> Movement:
    """Return the newest movement that belongs to no order: what settling took in the same commit is newer."""
    return next(movement for movement in every(view, Movement, {"unit_id": unit_id}) if movement.order_id is None)


def checked_reason(reason: str, what: str) -> None:
    """Raise Refused for a reason that is empty."""
    if not reason.strip():
        raise Refused(f"{what} needs a reason, for whoever reads the ledger later")
