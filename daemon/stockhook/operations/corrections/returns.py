"""Goods of a line that came back, by a person's word (strategies.md section 6)."""

from functools import partial

from stockhook.errors import Refused
from stockhook.kits import whole_step
from stockhook.operations.corrections.case import Case, Corrected, Decided, correct
from stockhook.operations.corrections.sources import items_out, one_item
from stockhook.operations.desk import Desk
from stockhook.quantity import ONE, Quantity, text


def take_back(
    desk: Desk, order: str, item_index: int, quantity: Quantity, reason: str, *, sku: str | None = None
) -> Corrected:
    """Book that ``quantity`` of a line came back, beside what has come back before; last taken, first returned.

    It goes to the unit that it came from, or to the channel's ``restock_to``, and settles what is owed in the same
    commit. ``sku`` says of which item, where the line is of several. What is booked as left stays so: a repeat of the
    store's takes nothing again.
    """
    return correct(desk, order, item_index, reason, partial(_take_back, quantity=quantity, sku=sku))


def _take_back(case: Case, quantity: Quantity, sku: str | None) -> Decided:
    if quantity <= 0:
        raise Refused(f"{text(quantity)} cannot have come back; give a quantity above 0")
    item = one_item(case, items_out(case), sku)
    out = case.out(item)
    if quantity > out:
        raise Refused(
            f"{text(out)} of {item} left for {case.name} and have not come back, so {text(quantity)} cannot have; "
            "nothing was changed. Other goods are booked in by `stockhook stock receive`"
        )
    if whole_step(item, case.batch.catalogue) == ONE and quantity % ONE:
        raise Refused(f"{item} has serial numbers: {text(quantity)} of it cannot come back; give whole pieces")
    to = case.rules.restock_to
    back = case.draft.take_back(case.line, item, quantity, case.batch.pool, to=to, reason=case.reason)
    if back < quantity:
        raise Refused(
            f"only {text(back)} of {item} can come back for {case.name}: the other pieces are in stock already, by "
            "their serial numbers; nothing was changed"
        )
    units = ", ".join(_units(case))
    said = f"line {case.line.item_index}: {text(quantity)} {item} came back to {units}"
    details = {"kind": "returned", "sku": item, "quantity": text(quantity)}
    return Decided(said, details=details, rules=True)


def _units(case: Case) -> list[str]:
    """Return where the goods went, in words."""
    made = {unit.id: unit for unit in case.draft.units}
    numbers = dict.fromkeys(movement.unit_id for movement in case.draft.movements)
    return [f"a new unit at {made[number].location}" if number in made else f"unit {number}" for number in numbers]
