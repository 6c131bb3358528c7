"""Dry runs as rows: what would be booked, with null where only the booking gives an id."""

from typing import Any, Final

from stockhook.model import NEW
from stockhook.operations.dry_run import DryRun, WouldBook
from stockhook.rows.decisions import AnyAllocation, trace_row
from stockhook.rows.orders import WaitRow
from stockhook.rows.received import AnyEvent
from stockhook.rows.stock import AnyMovement
from stockhook.rows.values import Amount, R, Row, row_of

_NUMBERS: Final = ("id", "allocation_id", "event_id", "delivery_id", "reverses", "unit_id")


class WouldBeEvent(AnyEvent[int | None], frozen=True, kw_only=True):
    """An event as it would end; it has no ``id`` where it is not in the store."""

    text: str | None


class WouldBeMovement(AnyMovement[int | None], frozen=True, kw_only=True):
    """A movement that would be booked, with what its unit would hold then."""


class WouldBeAllocation(AnyAllocation[int | None], frozen=True, kw_only=True):
    """The decision that would be made for one item of one line."""


class WouldBeShortage(Row, frozen=True, kw_only=True):
    """A shortage, new or changed, as it would be."""

    id: int | None
    line: int
    sku: str
    open: Amount
    settled: Amount
    withdrawn: Amount


class WouldBeOrder(Row, frozen=True, kw_only=True):
    """What would be booked for one order, and all that it would wait for."""

    account: str
    order_id: str
    movements: list[WouldBeMovement]
    allocations: list[WouldBeAllocation]
    shortages: list[WouldBeShortage]
    waits: list[WaitRow]


class WouldBeProblem(Row, frozen=True, kw_only=True):
    """A problem that would be told; ``known``: one like it is open already and would be counted once more."""

    kind: str
    subject: str
    text: str
    known: bool


class SettledRow(Row, frozen=True, kw_only=True):
    """An open problem that may close."""

    kind: str
    subject: str


class DryRunRow(Row, frozen=True, kw_only=True):
    """What events would do now.

    ``wakes``: how many orders wait for what would be given back. ``shadow``: the daemon books none of it, because
    shadow mode is on.
    """

    events: list[WouldBeEvent]
    orders: list[WouldBeOrder]
    problems: list[WouldBeProblem]
    settles: list[SettledRow]
    wakes: int
    shadow: bool


def dry_run_row(found: DryRun) -> DryRunRow:
    """Return what `events dry-run` found."""
    return DryRunRow(
        events=[_would_be(WouldBeEvent, event) for event in found.events],
        orders=[_order(order) for order in found.orders],
        problems=[row_of(WouldBeProblem, raised.signal, known=raised.known) for raised in found.raises],
        settles=[SettledRow(kind=kind, subject=subject) for kind, subject in found.settles],
        wakes=found.wakes,
        shadow=found.shadow,
    )


def _order(order: WouldBook) -> WouldBeOrder:
    return WouldBeOrder(
        account=order.key.account,
        order_id=order.key.order_id,
        movements=[_would_be(WouldBeMovement, movement) for movement in order.movements],
        allocations=[_would_be(WouldBeAllocation, each, trace=trace_row(each.trace)) for each in order.allocations],
        shortages=[_would_be(WouldBeShortage, shortage) for shortage in order.shortages],
        waits=[row_of(WaitRow, wait) for wait in order.waits],
    )


def _would_be(kind: type[R], record: object, **others: Any) -> R:
    """Return a record as a row, with None for the ids that only a booking gives."""
    new = {name: None for name in _NUMBERS if _is_new(getattr(record, name, None))}
    return row_of(kind, record, **new, **others)


def _is_new(number: int | None) -> bool:
    return number is not None and (number == 0 or number >= NEW)
