"""What was written down wrong about a unit: its lot, its dates, its cost; never its quantity, item or place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Booking, OrderKey, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.items import known_item
from stockhook.operations.past import AMEND, amendment
from stockhook.operations.posting import Change, post
from stockhook.operations.stock import details
from stockhook.operations.stock.ledger import known_unit
from stockhook.operations.stock.receipts import not_come
from stockhook.operations.words import checked_reason
from stockhook.store import Work

FIELDS: Final = ("lot", "serial", "expires_on", "received_at", "unit_cost", "priority", "reference")


@dataclass(frozen=True, slots=True)
class Amended:
    """The unit before and as it is now, and the orders that were looked at again because of it."""

    before: Unit
    unit: Unit
    orders: tuple[OrderKey, ...]


def amend(desk: Desk, unit_id: int, fields: Mapping[str, Any], reason: str) -> Amended:
    """Change ``FIELDS`` of a unit, None to empty one; what orders took of it before is known under the new words too.

    Goods that may be used only now settle what is owed of them. Raises NotFound or Refused, with nothing changed.
    """
    words = checked_reason(reason, "an amendment")
    if not fields:
        raise Refused("nothing to amend; give --lot, --serial, --expires-on, --received-at, --unit-cost, --priority, "
                      "--reference, or --clear with one of them")  # fmt: skip
    with desk.store.read() as view:
        before = known_unit(view, unit_id)

    def prepare(work: Work, _: Batch) -> Change:
        nonlocal before
        before = known_unit(work, unit_id)
        after = replace(before, **fields)
        _check(work, before, after, desk.clock.now())
        was = amendment(before, after)
        return Change(Booking(units=(after,)), (desk.audit(AMEND, f"unit {unit_id}", words, **was),))

    def result(work: Work, orders: tuple[OrderKey, ...]) -> Amended:
        return Amended(before, known_unit(work, unit_id), orders)

    return post(desk, {before.sku}, prepare, result, settle=True)


def _check(work: Work, before: Unit, after: Unit, now: datetime) -> None:
    item = known_item(work, before.sku)
    before_wrong = set(details.faults(before))
    if wrong := [fault for fault in details.faults(after) if fault not in before_wrong]:
        raise Refused(f"{wrong[0]}; nothing was changed")
    if after == before:
        raise Refused(f"unit {before.id} says so already; nothing was changed")
    if after.received_at is None:
        raise Refused(f"unit {before.id} needs the moment it came in: the order in which goods are used hangs on it")
    if after.received_at != before.received_at and (early := not_come(after.received_at, now)) is not None:
        raise Refused(early)
    if item.serial and after.serial is None:
        raise Refused(f"{item.sku} has serial numbers: give unit {before.id} another one rather than none")
    if not item.serial and after.serial is not None:
        raise Refused(f"{item.sku} has no serial numbers: unit {before.id} cannot have one; nothing was changed")
