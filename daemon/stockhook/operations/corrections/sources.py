"""Which units a line was really taken from: another unit, or another lot (strategies.md section 7)."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from stockhook.allocation import Plan
from stockhook.errors import NotFound, Refused
from stockhook.kits import whole_step
from stockhook.model import Pick, Trace, TraceUnit, Unit, fold
from stockhook.operations.corrections.case import Case, Corrected, Decided, correct
from stockhook.operations.desk import Desk
from stockhook.operations.records import known
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import FOREVER, Range

STRATEGY = "correction"
"""What the trace names as the strategy where a person has said which units were taken."""


def take_from_unit(
    desk: Desk, order: str, item_index: int, unit_id: int, reason: str, *, instead_of: int | None = None
) -> Corrected:
    """Book that a line was taken from another unit; ``instead_of``: only what was taken from that one.

    What has come back stays as it is. The unit must hold enough of the same item, and must not be held; it may have
    expired, or lie where nothing is picked: the goods have left.
    """
    return correct(desk, order, item_index, reason, partial(_from_unit, unit_id=unit_id, instead_of=instead_of))


def take_from_lot(
    desk: Desk,
    order: str,
    item_index: int,
    lot: str,
    reason: str,
    *,
    sku: str | None = None,
    instead_of: int | None = None,
) -> Corrected:
    """Book that a line was taken from another lot, oldest receipt first; ``sku`` says of which item, where needed."""
    return correct(desk, order, item_index, reason, partial(_from_lot, lot=lot, sku=sku, instead_of=instead_of))


def _from_unit(case: Case, unit_id: int, instead_of: int | None) -> Decided:
    unit = known(case.work, Unit, unit_id)
    skus = items_out(case)
    if unit.sku not in skus:
        raise Refused(f"unit {unit_id} holds {unit.sku}, and {case.name} was booked as {' and '.join(skus)}")
    if unit.suspense:
        raise Refused(f"unit {unit_id} is what is owed of {unit.sku}, and no goods; name the unit they were taken from")
    if unit.held:
        raise Refused(
            f"unit {unit_id} is held: release it first (`stockhook stock release {unit_id}`), or name another"
        )
    return _moved(case, unit.sku, [unit], instead_of, f"unit {unit_id}", Counter())


def _from_lot(case: Case, lot: str, sku: str | None, instead_of: int | None) -> Decided:
    skus = items_out(case)
    if sku is not None:
        skus = [one_item(case, skus, sku)]
    where = {"sku": frozenset(skus), "quantity": Range(low=1)}
    units = [unit for unit in case.work.find(Unit, where, most=FOREVER) if fold(unit.lot or "") == fold(lot)]
    if not units:
        raise NotFound(f"there are no goods of lot {lot} of {' or '.join(skus)}; `stockhook stock list` shows lots")
    item = one_item(case, sorted({unit.sku for unit in units}), sku)
    mine = sorted((unit for unit in units if unit.sku == item), key=lambda unit: (unit.received_at, unit.id))
    free = [unit for unit in mine if not unit.held]
    if not free:
        raise Refused(f"all of lot {lot} of {item} is held: release it first (`stockhook stock release --lot {lot}`)")
    there = [take.unit_id for take in case.takes(item)]
    units_of = {unit.id: unit for unit in case.work.find(Unit, {"id": frozenset(there)}, most=FOREVER)}
    already = [number for number in there if fold(units_of[number].lot or "") == fold(lot)]
    held = Counter({"held": len(mine) - len(free)} if len(free) < len(mine) else {})
    return _moved(case, item, free, instead_of, f"lot {lot}", held, sparing=already)


def items_out(case: Case) -> list[str]:
    """Return the items of which something is out for the line; raises Refused where there is none."""
    skus = list(dict.fromkeys(take.sku for take in case.takes()))
    if skus:
        return skus
    owed = any(row.open for row in case.draft.rows.values() if row.line == case.line.number)
    back = any(take.returned for take in case.draft.takes if take.line == case.line.number)
    why = " but what came back" if back else ""
    hint = "; what is owed is settled by `stockhook stock receive`" if owed else ""
    raise Refused(f"nothing{why} is booked as taken for {case.name}{hint}; `stockhook orders show` says what is")


def one_item(case: Case, skus: Sequence[str], sku: str | None) -> str:
    """Return which of a line's items is meant; raises Refused where that cannot be told."""
    chosen = [each for each in skus if sku is None or fold(each) == fold(sku)]
    if len(chosen) == 1:
        return chosen[0]
    if sku is not None:
        raise Refused(f"{case.name} was booked as {' and '.join(skus)}, and not as {sku}")
    raise Refused(f"{case.name} was booked as {' and '.join(skus)}; name the SKU that you mean")


def _moved(
    case: Case,
    sku: str,
    units: Sequence[Unit],
    instead_of: int | None,
    where: str,
    left_out: Counter[str],
    sparing: Sequence[int] = (),
) -> Decided:
    """Reverse what was taken elsewhere, and take it from ``units``, first to last."""
    there = {unit.id for unit in units} | set(sparing)
    takes = [take for take in case.takes(sku) if instead_of in (None, take.unit_id)]
    if instead_of is not None and not takes:
        raise Refused(f"nothing of {sku} was taken from unit {instead_of} for {case.name}; `stockhook orders show`")
    moving = sum(take.returnable for take in takes if take.unit_id not in there)
    if not moving:
        raise Refused(f"{case.name} was taken from {where} already: nothing to correct")
    available = sum(unit.quantity for unit in units)
    if available < moving:
        raise Refused(
            f"{where} has {text(available)} of {sku}, and {case.name} needs {text(moving)}; nothing was changed. Name "
            "another one, or book in first what lies there (`stockhook stock adjust`)"
        )
    step = whole_step(sku, case.batch.catalogue)
    if step == ONE and moving % ONE:
        raise Refused(f"{sku} has serial numbers, and {text(moving)} of it is no whole number of pieces")
    out = Counter({take.unit_id: take.returnable for take in takes if take.unit_id not in there})
    spared = {take.unit_id for take in case.draft.takes if take.unit_id not in out}
    case.draft.reverse(case.line, sku, moving, case.batch.pool, case.reason, sparing=spared)
    _take(case, sku, units, moving, f"in place of {_from(out)}, by a person's word", left_out)
    details = {"kind": "source", "sku": sku, "quantity": text(moving), "to": where, "from": _from(out)}
    said = f"line {case.line.item_index}: {text(moving)} {sku} taken from {where} instead of {_from(out)}"
    return Decided(said, details=details)


def _take(case: Case, sku: str, units: Sequence[Unit], quantity: Quantity, why: str, left_out: Counter[str]) -> None:
    picks: list[Pick] = []
    left = quantity
    for unit in units:
        part = min(left, unit.quantity)
        left -= part
        if part:
            picks.append(Pick(unit.id, part, why))
            case.batch.pool.move(unit.id, -part)
    by_id = {unit.id: unit for unit in units}
    taken = [(by_id[pick.unit_id], pick.quantity) for pick in picks]
    trace = Trace(
        rule=f"correction by {case.draft.cause.actor}: {case.reason}",
        strategy=STRATEGY,
        version="1",
        options={},
        offered=len(units),
        left_out=left_out,
        taken=tuple(TraceUnit(each.id, each.location, each.lot, each.quantity, part, why) for each, part in taken),
        passed_over=(),
    )
    plan = Plan(tuple(picks), quantity, trace)
    case.draft.consume(case.line, case.aim.reading.binding, quantity, sku, plan, case.reason)


def _from(out: Counter[int]) -> str:
    return ", ".join(f"{text(quantity)} from unit {number}" for number, quantity in sorted(out.items()))
