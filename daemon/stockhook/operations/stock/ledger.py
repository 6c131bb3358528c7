"""What every change that a person makes to stock has in common."""

from collections.abc import Collection
from dataclasses import dataclass

from stockhook.errors import NotFound, Refused
from stockhook.model import Movement, MovementKind, Shortage, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.operations.records import missing
from stockhook.quantity import Quantity
from stockhook.store import FOREVER, Range, Read, Work


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
    reason: str | None = None,
    *,
    reverses: int | None = None,
    reference: str | None = None,
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
        reference=reference,
    )


def known_unit(view: Read, unit_id: int) -> Unit:
    """Return the unit, of goods; raises NotFound with where to look, and Refused for one in suspense."""
    return of_goods(unit_id, known_units(view, {unit_id}).get(unit_id))


def known_units(view: Read, ids: Collection[int]) -> dict[int, Unit]:
    """Return those of these units that there are, by id."""
    found = view.find(Unit, {"id": frozenset(ids)}, most=FOREVER) if ids else []
    return {unit.id: unit for unit in found}


def of_goods(unit_id: int, unit: Unit | None) -> Unit:
    """Return the unit that was found by an id; raises NotFound for none, and Refused for one in suspense."""
    if unit is None:
        raise NotFound(missing(Unit, unit_id))
    if unit.suspense:
        raise Refused(
            f"unit {unit_id} is no goods: it stands for what is owed of {unit.sku} while there is none. A receipt "
            f"settles it, and a count ends it: stockhook stock count {unit.sku} QUANTITY --location PATH"
        )
    return unit


def adjusted(work: Work, unit_id: int, movement: Movement | None = None) -> Adjusted:
    """Return how a unit stands after a person's change to it; without a movement, by its newest of no order."""
    unit = known_unit(work, unit_id)
    short = work.totals(Shortage, where={"sku": unit.sku, "open": Range(low=1)})
    owed = sum(total.amount for total in short)  # what is in suspense mirrors these rows
    return Adjusted(unit, movement or _newest_by_a_person(work, unit_id), owed)


def _newest_by_a_person(view: Read, unit_id: int) -> Movement:
    """Return the newest movement that belongs to no order: what settling took in the same commit is newer."""
    return next(movement for movement in every(view, Movement, {"unit_id": unit_id}) if movement.order_id is None)
