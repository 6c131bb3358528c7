"""Goods that may not be used for a while: quarantine, a recall."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stockhook.batch import Batch
from stockhook.errors import NotFound, Refused
from stockhook.model import Booking, OrderKey, Unit, fold
from stockhook.operations.desk import Desk
from stockhook.operations.past import HOLD, RELEASE
from stockhook.operations.posting import Change, Moved, post
from stockhook.operations.stock.ledger import known_unit
from stockhook.operations.suggestions import did_you_mean, near, newest
from stockhook.operations.words import checked_reason
from stockhook.store import FOREVER, Folded, Read, Work


@dataclass(frozen=True, slots=True)
class Held:
    """All units that were meant, as they are now, the ids of those that changed, and the orders looked at again."""

    units: tuple[Unit, ...]
    changed: tuple[int, ...]
    orders: tuple[OrderKey, ...]


def hold(desk: Desk, reason: str, *, unit_id: int | None = None, lot: str | None = None) -> Held:
    """Offer a unit, or all units of a lot, to no order until they are released.

    Empty units of the lot are held as well, so that what comes back to them is. Lots compare trimmed and without
    case. Raises NotFound or Refused, with nothing changed; units that are held already stay as they are.
    """
    return _set(desk, reason, unit_id, lot, held=True)


def release(desk: Desk, reason: str, *, unit_id: int | None = None, lot: str | None = None) -> Held:
    """Offer a unit, or all units of a lot, again, and settle what is owed of their items in the same commit."""
    return _set(desk, reason, unit_id, lot, held=False)


def _set(desk: Desk, reason: str, unit_id: int | None, lot: str | None, *, held: bool) -> Held:
    action = "hold" if held else "release"
    words = checked_reason(reason, f"a {action}")
    if (unit_id is None) == (lot is None):
        raise Refused(f"name what to {action}: the number of a unit, or a lot")
    with desk.store.read() as view:
        skus = {unit.sku for unit in _meant(view, unit_id, lot)}
    changed: list[int] = []

    def prepare(work: Work, _: Batch) -> Change:
        meant = _meant(work, unit_id, lot)
        if not {unit.sku for unit in meant} <= skus:
            raise Moved
        changing = [replace(unit, held=held) for unit in meant if unit.held is not held]
        changed[:] = [unit.id for unit in changing]
        if not changing:
            return Change(Booking())
        subject = f"unit {unit_id}" if lot is None else f"lot {meant[0].lot}"
        units = ", ".join(str(unit.id) for unit in changing)
        return Change(
            Booking(units=tuple(changing)), (desk.audit(HOLD if held else RELEASE, subject, words, units=units),)
        )

    def result(work: Work, orders: tuple[OrderKey, ...]) -> Held:
        return Held(tuple(_meant(work, unit_id, lot)), tuple(changed), orders)

    return post(desk, skus, prepare, result, settle=not held)


def _meant(view: Read, unit_id: int | None, lot: str | None) -> Sequence[Unit]:
    if unit_id is not None:
        return [known_unit(view, unit_id)]
    found = view.find(Unit, {"lot": Folded(fold(lot or ""))}, most=FOREVER)
    if not found:
        meant = did_you_mean(near(lot or "", newest(view, "lot")))
        raise NotFound(f"there is no lot {lot!r}{meant or '; `stockhook stock list --all` shows the lots there are'}")
    return found
