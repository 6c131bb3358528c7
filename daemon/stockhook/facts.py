"""From snapshots to what is known of an order (strategies.md section 1, "Known").

An event is never an increment. A line takes its facts from the newest snapshot that lists it, whatever the order in
which snapshots arrive, so that merging the same ones in any order and any number gives the same facts.
"""

from datetime import datetime
from typing import Any

from stockhook.model import Line, Order, Refund, Said, Snapshot, SnapshotLine
from stockhook.record import record, replace
from stockhook.rekeying import Meaning, keyed


@record(frozen=True, slots=True)
class Merged:
    """An order's facts after a snapshot. ``superseded``: the snapshot was older in every line."""

    order: Order
    lines: tuple[Line, ...]
    changed: bool
    superseded: bool


def merge(
    known: tuple[Order, tuple[Line, ...]] | None,
    snapshot: Snapshot,
    said: Said,
    *,
    received_at: datetime,
    channel: str,
    meaning: Meaning,
) -> Merged:
    """Return the facts once ``snapshot``, received at ``received_at``, has been noted."""
    if snapshot.lines and any(line.kit and line.shipped_at for line in snapshot.lines):
        snapshot = replace(snapshot, lines=_dated_by_kits(snapshot.lines))
    order, lines = known or (Order(snapshot.account, snapshot.order_id, 0, channel, said), ())
    head = _head(order, snapshot, said, received_at, channel, fresh=known is None)
    read = keyed(order, lines, snapshot.lines or (), said, meaning) if lines and snapshot.lines else None
    if read is not None:
        head = replace(head, **read.changes) if read.changes else head
        snapshot = replace(snapshot, lines=read.shown) if read.shown is not snapshot.lines else snapshot
    merged, superseded = _merge_lines(read.lines if read else lines, snapshot, said)
    if known is not None and not snapshot.lines:
        superseded = said < order.said
    changed = known is None or not _same(order, lines, head, merged)
    return Merged(head, merged, changed, superseded and known is not None)


def _head(order: Order, snapshot: Snapshot, said: Said, received_at: datetime, channel: str, *, fresh: bool) -> Order:
    """Return the order's own facts: the newest snapshot's, and of dates that a snapshot may leave out what was seen.

    A shipping date is set when the first part leaves, a refund date is that of the last refund: the earliest and the
    latest seen are the same whatever came first.
    """
    changes: dict[str, Any] = {}
    refunded = snapshot.refunded_at
    if refunded is not None and (order.refunded_at is None or refunded > order.refunded_at):
        changes["refunded_at"] = refunded
    if snapshot.linked:
        changes["linked"] = True
    if snapshot.ships and (order.first_ship_at is None or received_at < order.first_ship_at):
        changes["first_ship_at"] = received_at
    date = snapshot.shipping_date
    if date is not None and (order.shipping_date is None or date < order.shipping_date):
        changes |= {"shipping_date": date, "ship_date": snapshot.ship_date}
    if fresh or said >= order.said:
        changes |= {"channel": channel, "said": said, "stage": snapshot.stage}
        changes |= {"test": snapshot.test, "rejected": snapshot.rejected}
    return replace(order, **changes) if changes else order


def _dated_by_kits(shown: tuple[SnapshotLine, ...]) -> tuple[SnapshotLine, ...]:
    """Have component lines ship with their kit line where it has a date and none of them has one of its own.

    The component lines of a kit line are those that point to it, else those right behind it (strategies.md section 2).
    """
    ordered = sorted(shown, key=lambda line: line.item_index)
    parts: dict[int, list[int]] = {line.item_index: [] for line in ordered if line.kit}
    nearest: int | None = None
    for line in ordered:
        parent = nearest if line.parent_index is None else line.parent_index
        if line.component and parent in parts and parent != line.item_index:
            parts[parent].append(line.item_index)
        if line.kit:
            nearest = line.item_index
    dated = {line.item_index: line for line in shown}
    left = [index for index in parts if dated[index].shipped_at]
    while left:
        kit = dated[left.pop()]
        inner = parts.pop(kit.item_index, [])
        if not any(dated[index].shipped_at for index in inner):
            for index in inner:
                dated[index] = replace(dated[index], shipped_at=kit.shipped_at, ship_date=kit.ship_date)
            left += [index for index in inner if index in parts]
    return tuple(dated[line.item_index] for line in shown)


def _merge_lines(lines: tuple[Line, ...], snapshot: Snapshot, said: Said) -> tuple[tuple[Line, ...], bool]:
    by_index = {line.item_index: line for line in lines}
    numbers = {line.number for line in lines}
    some_dated = any(shown.shipped_at for shown in snapshot.lines or ())
    superseded = bool(snapshot.lines)
    for shown in snapshot.lines or ():
        line = by_index.get(shown.item_index)
        if line is None:
            number = shown.item_index if shown.item_index not in numbers else max(numbers) + 1
            numbers.add(number)
            line = _first_seen(snapshot, shown, said, number)
            superseded = False
        else:
            if said >= line.said:
                line = _newer_facts(line, shown, said)
                superseded = False
            if snapshot.ships and (line.ship_said is None or said >= line.ship_said):
                line = replace(line, ship_said=said, shipped_at=shown.shipped_at, ship_date=shown.ship_date)
                superseded = False
        by_index[shown.item_index] = _note_refund(line, shown, snapshot, said, some_dated=some_dated)
    return tuple(sorted(by_index.values(), key=lambda line: line.number)), superseded


def _first_seen(snapshot: Snapshot, shown: SnapshotLine, said: Said, number: int) -> Line:
    return Line(
        account=snapshot.account,
        order_id=snapshot.order_id,
        number=number,
        item_index=shown.item_index,
        code=shown.code,
        quantity=shown.quantity,
        said=said,
        return_reason=shown.return_reason,
        quantity_refunded=shown.quantity_refunded,
        center=shown.center,
        kit=shown.kit,
        component=shown.component,
        parent_index=shown.parent_index,
        lots=shown.lots,
        serials=shown.serials,
        places=shown.places,
        ship_said=said if snapshot.ships else None,
        shipped_at=shown.shipped_at if snapshot.ships else None,
        ship_date=shown.ship_date if snapshot.ships else None,
        least_refunded=shown.quantity_refunded,
    )


def _newer_facts(line: Line, shown: SnapshotLine, said: Said) -> Line:
    return replace(
        line,
        said=said,
        code=shown.code,
        quantity=shown.quantity,
        return_reason=shown.return_reason,
        quantity_refunded=shown.quantity_refunded,
        center=shown.center,
        kit=shown.kit,
        component=shown.component,
        parent_index=shown.parent_index,
        lots=shown.lots,
        serials=shown.serials,
        places=shown.places,
    )


def _note_refund(line: Line, shown: SnapshotLine, snapshot: Snapshot, said: Said, *, some_dated: bool) -> Line:
    """Remember each distinct refunded total with the earliest snapshot that showed it.

    ``order.refund_dts`` is the date of the last refund of the whole order, so what was once seen must be kept.
    A ship snapshot without any date says of all its lines that they shipped, hence ``dated``.
    """
    if shown.quantity_refunded < line.least_refunded:
        line = replace(line, least_refunded=shown.quantity_refunded)
    if not shown.quantity_refunded:
        return line
    dated = shown.shipped_at is not None or (snapshot.ships and not some_dated)
    seen = {(refund.quantity, refund.refunded_at, refund.dated): refund.as_of for refund in line.refunds}
    key = (shown.quantity_refunded, snapshot.refunded_at, dated)
    seen[key] = min(said.as_of, seen.get(key, said.as_of))
    refunds = tuple(Refund(*shown_total, as_of=first) for shown_total, first in seen.items())
    return replace(line, refunds=tuple(sorted(refunds, key=_refund_order)))


def _refund_order(refund: Refund) -> tuple[int, bool, str, bool]:
    return (refund.quantity, refund.refunded_at is None, str(refund.refunded_at), refund.dated)


def _same(order: Order, lines: tuple[Line, ...], head: Order, merged: tuple[Line, ...]) -> bool:
    """Tell whether the facts are the same, however new: a snapshot that only repeats them changes nothing."""
    return (
        len(lines) == len(merged)
        and replace(head, said=order.said) == order
        and all(
            replace(new, said=old.said, ship_said=new.ship_said and (old.ship_said or new.ship_said)) == old
            for old, new in zip(lines, merged, strict=True)
        )
    )
