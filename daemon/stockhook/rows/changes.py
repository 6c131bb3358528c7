"""What changes of stock did, as rows."""

from typing import Any

from stockhook.operations.stock.amendments import Amended
from stockhook.operations.stock.counts import Counted, Counts
from stockhook.operations.stock.holds import Held
from stockhook.operations.stock.ledger import Adjusted
from stockhook.operations.stock.receipts import Received
from stockhook.operations.stock.transfers import Transferred
from stockhook.quantity import text
from stockhook.rows.stock import UnitRow, unit_row
from stockhook.rows.values import Amount, Moment, Row, fields, order_names, row_of, utc


class ReceivedRow(UnitRow, frozen=True, kw_only=True):
    """The new unit as it is now, the movement that brought it, and the orders that were looked at because of it."""

    movement_id: int
    received: Amount
    orders: list[str]


class MovedRow(UnitRow, frozen=True, kw_only=True):
    """The unit that the goods are in now, and the one that they came from."""

    moved: Amount
    from_unit_id: int
    from_quantity: Amount
    movement_ids: list[int]
    orders: list[str]


class AdjustedRow(UnitRow, frozen=True, kw_only=True):
    """The unit as it is now, the movement that changed it, and what is owed of its item."""

    movement_id: int
    change: Amount
    owed: Amount


class AmendedRow(UnitRow, frozen=True, kw_only=True):
    """The unit as it is now, and of each value that changed what it was ``before``."""

    priority: int | None
    reference: str | None
    before: dict[str, Any]
    orders: list[str]


class HeldRow(Row, frozen=True, kw_only=True):
    """All units that were meant, as they are now, and the ids of those that changed."""

    changed: list[int]
    units: list[UnitRow]
    orders: list[str]


class CountedUnitRow(Row, frozen=True, kw_only=True):
    """A unit before and after a count."""

    unit_id: int
    sku: str
    location: str
    lot: str | None
    serial: str | None
    before: Amount
    change: Amount
    quantity: Amount
    movement_id: int


class CountedRow(Row, frozen=True, kw_only=True):
    """What was counted, what the book had expected, and what that did to which units."""

    sku: str
    location: str
    unit_id: int | None
    quantity: Amount
    expected: Amount
    difference: Amount
    units: list[CountedUnitRow]


class CountsRow(Row, frozen=True, kw_only=True):
    """Counts for one moment; ``ended`` is what is owed no more because of them, and to which orders."""

    at: Moment
    counted: list[CountedRow]
    ended: Amount
    orders: list[str]


def received_row(received: Received) -> ReceivedRow:
    """Return what `stock receive` did."""
    unit = received.units[0]
    return ReceivedRow(
        **fields(unit_row(unit)),
        movement_id=received.movements[0].id,
        received=text(unit.received),
        orders=order_names(received.orders),
    )


def moved_row(moved: Transferred) -> MovedRow:
    """Return what `stock move` did."""
    return MovedRow(
        **fields(unit_row(moved.target)),
        moved=text(moved.quantity),
        from_unit_id=moved.source.id,
        from_quantity=text(moved.source.quantity),
        movement_ids=[moved.out.id, moved.into.id],
        orders=order_names(moved.orders),
    )


def adjusted_row(adjusted: Adjusted) -> AdjustedRow:
    """Return what `stock adjust` and `stock undo` did."""
    return AdjustedRow(
        **fields(unit_row(adjusted.unit)),
        movement_id=adjusted.movement.id,
        change=text(adjusted.movement.quantity),
        owed=text(adjusted.owed),
    )


def amended_row(amended: Amended) -> AmendedRow:
    """Return what `stock amend` did."""
    now, before = fields(unit_row(amended.unit)), fields(unit_row(amended.before))
    now |= {"priority": amended.unit.priority, "reference": amended.unit.reference}
    before |= {"priority": amended.before.priority, "reference": amended.before.reference}
    changed = {name: value for name, value in before.items() if value != now[name] and name != "quantity"}
    return AmendedRow(**now, before=changed, orders=order_names(amended.orders))


def held_row(held: Held) -> HeldRow:
    """Return what `stock hold` and `stock release` did."""
    units = [unit_row(unit) for unit in held.units]
    return HeldRow(changed=sorted(held.changed), units=units, orders=order_names(held.orders))


def counts_row(counts: Counts) -> CountsRow:
    """Return what `stock count` did."""
    counted = [counted_row(each) for each in counts.counted]
    return CountsRow(at=utc(counts.at), counted=counted, ended=text(counts.ended), orders=order_names(counts.orders))


def counted_row(counted: Counted) -> CountedRow:
    """Return one count with the units it is about."""
    return row_of(
        CountedRow,
        counted,
        difference=text(counted.quantity - counted.expected),
        units=[
            row_of(
                CountedUnitRow,
                each.unit,
                unit_id=each.unit.id,
                before=text(each.movement.balance_after - each.movement.quantity),
                change=text(each.movement.quantity),
                quantity=text(each.movement.balance_after),
                movement_id=each.movement.id,
            )
            for each in counted.units
        ],
    )
