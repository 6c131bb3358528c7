"""Dry runs as rows: what would be booked, with null where only the booking gives an id."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import asdict

from stockhook.model import NEW, Event, EventState, MovementKind, Shortage
from stockhook.operations.dry_run import DryRun, WouldBook
from stockhook.quantity import text
from stockhook.rows.decisions import TraceRow, allocation_row
from stockhook.rows.orders import WaitRow
from stockhook.rows.received import event_row
from stockhook.rows.stock import movement_row
from stockhook.rows.values import Amount, Moment, Row

_NUMBERS: Final = ("id", "allocation_id", "event_id", "delivery_id", "reverses", "unit_id")


class WouldBeEvent(Row, frozen=True, kw_only=True):
    """An event as it would end; it has no ``id`` where it is not in the store."""

    id: int | None
    delivery_id: int | None
    channel: str
    account: str | None
    name: str
    order_id: str | None
    state: EventState
    reason: str | None
    attempts: int
    received_at: Moment
    finished_at: Moment | None
    text: str | None


class WouldBeMovement(Row, frozen=True, kw_only=True):
    """A movement that would be booked, with what its unit would hold then."""

    id: int | None
    unit_id: int | None
    sku: str
    kind: MovementKind
    quantity: Amount
    balance_after: Amount
    at: Moment
    actor: str
    line: int | None
    event_id: int | None
    allocation_id: int | None
    reverses: int | None
    reason: str | None
    reference: str | None


class WouldBeAllocation(Row, frozen=True, kw_only=True):
    """The decision that would be made for one item of one line."""

    id: int | None
    line: int
    sku: str
    at: Moment
    event_id: int | None
    need: Amount
    taken: Amount
    trace: TraceRow


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
    told = [(raised.signal, raised.known) for raised in found.raises]
    return DryRunRow(
        events=[_event(event) for event in found.events],
        orders=[_order(order) for order in found.orders],
        problems=[
            WouldBeProblem(kind=signal.kind, subject=signal.subject, text=signal.text, known=known)
            for signal, known in told
        ],
        settles=[SettledRow(kind=kind, subject=subject) for kind, subject in found.settles],
        wakes=found.wakes,
        shadow=found.shadow,
    )


def _event(event: Event) -> WouldBeEvent:
    made = _made(event_row(event))
    return WouldBeEvent(**{**made, "id": made["id"] or None}, text=event.text)


def _order(order: WouldBook) -> WouldBeOrder:
    return WouldBeOrder(
        account=order.key.account,
        order_id=order.key.order_id,
        movements=[WouldBeMovement(**_made(movement_row(movement))) for movement in order.movements],
        allocations=[WouldBeAllocation(**_made(allocation_row(allocation))) for allocation in order.allocations],
        shortages=[_shortage(row) for row in order.shortages],
        waits=[WaitRow(kind=wait.kind, subject=wait.subject) for wait in order.waits],
    )


def _shortage(row: Shortage) -> WouldBeShortage:
    return WouldBeShortage(
        id=None if row.id >= NEW else row.id,
        line=row.line,
        sku=row.sku,
        open=text(row.open),
        settled=text(row.settled),
        withdrawn=text(row.withdrawn),
    )


def _made(row: Row) -> Mapping[str, Any]:
    """Return the values of a row, None for ids that only a booking gives."""
    return {name: None if name in _NUMBERS and _is_new(value) else value for name, value in asdict(row).items()}


def _is_new(value: object) -> bool:
    return isinstance(value, int) and value >= NEW
