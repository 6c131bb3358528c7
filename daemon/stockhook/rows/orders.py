"""Orders as rows: what is known of one, what is booked for it, and what is owed."""

from stockhook.model import Order, WaitKind
from stockhook.model.known import How
from stockhook.operations.corrections.case import Corrected
from stockhook.operations.forgetting import Forgotten
from stockhook.operations.orders import Shown, ShownLine, Taken
from stockhook.quantity import text
from stockhook.rows.catalogue import PartRow, part_rows
from stockhook.rows.decisions import AllocationRow, allocation_row
from stockhook.rows.received import EventRow, event_row
from stockhook.rows.stock import MovementRow, movement_row
from stockhook.rows.told import AuditRow, ProblemRow, audit_row, problem_row
from stockhook.rows.values import Amount, Moment, Row, order_names, row_of, utc


class OrderRow(Row, frozen=True, kw_only=True):
    """An order's newest facts, without personal data; ``due_at``: it is to be evaluated (again)."""

    account: str
    order_id: str
    channel: str
    stage: str | None
    test: bool
    rejected: bool
    linked: bool
    shipping_date: Moment | None
    refunded_at: Moment | None
    first_ship_at: Moment | None
    newest_facts_at: Moment
    due_at: Moment | None


class TakeRow(Row, frozen=True, kw_only=True):
    """So much of a unit for a line; ``remaining``: not reversed; ``returned``: what of that came back."""

    movement_id: int
    unit_id: int
    sku: str
    quantity: Amount
    remaining: Amount
    returned: Amount
    counted: Amount
    suspense: bool
    location: str
    lot: str | None
    serial: str | None
    strategy: str | None
    why: str | None


class ShortageRow(Row, frozen=True, kw_only=True):
    """What no unit could cover: ``quantity`` = open + settled + withdrawn + waived + counted."""

    id: int
    sku: str
    quantity: Amount
    open: Amount
    settled: Amount
    withdrawn: Amount
    waived: Amount
    counted: Amount
    reason: str | None
    actor: str | None
    opened_at: Moment


class LineRow(Row, frozen=True, kw_only=True):
    """A line: what the store says, what it was booked as, what was taken for it, what is owed.

    ``item_index`` is the store's index of today, ``number`` the one by which the ledger names the line for ever.
    """

    item_index: int
    number: int
    code: str
    quantity: Amount
    quantity_refunded: Amount
    distribution_center: str | None
    kit: bool
    component: bool
    shipped_at: Moment | None
    inferred: bool
    bound_to: list[PartRow] | None
    how: How | None
    consumed: Amount
    returned: Amount
    ruling: Amount
    refused: list[str]
    owed: Amount
    takes: list[TakeRow]
    shortages: list[ShortageRow]


class WaitRow(Row, frozen=True, kw_only=True):
    """One thing that the order waits for."""

    kind: WaitKind
    subject: str


class ShownOrder(OrderRow, frozen=True, kw_only=True):
    """An order with all that is kept of it; all but the open problems come oldest first."""

    lines: list[LineRow]
    waits: list[WaitRow]
    events: list[EventRow]
    movements: list[MovementRow]
    allocations: list[AllocationRow]
    corrections: list[AuditRow]
    problems: list[ProblemRow]
    history: list[str]


class CorrectedRow(Row, frozen=True, kw_only=True):
    """A line after a person's word on it, the movements that did it, and other orders that were looked at."""

    account: str
    order_id: str
    item_index: int
    consumed: Amount
    returned: Amount
    owed: Amount
    ruling: Amount
    refused: list[str]
    movements: list[MovementRow]
    settled: list[str]


class ForgottenRow(Row, frozen=True, kw_only=True):
    """An order whose payloads were removed, in how many deliveries it was, which others were in them as well."""

    account: str
    order_id: str
    payloads: int
    deliveries: int
    others: list[str]


def order_row(order: Order) -> OrderRow:
    """Return the facts of an order."""
    return row_of(OrderRow, order, newest_facts_at=utc(order.said.as_of))


def shown_order(shown: Shown) -> ShownOrder:
    """Return an order as `orders show` has it."""
    return row_of(
        ShownOrder,
        shown.order,
        newest_facts_at=utc(shown.order.said.as_of),
        lines=[line_row(line) for line in shown.lines],
        waits=[row_of(WaitRow, wait) for wait in shown.waits],
        events=[event_row(event) for event in shown.events],
        movements=[movement_row(movement) for movement in shown.movements],
        allocations=[allocation_row(allocation) for allocation in shown.allocations],
        corrections=[audit_row(entry) for entry in shown.corrections],
        problems=[problem_row(problem) for problem in shown.problems],
    )


def line_row(shown: ShownLine) -> LineRow:
    """Return a line with what was taken for it."""
    line, binding = shown.line, shown.line.binding
    return row_of(
        LineRow,
        line,
        distribution_center=line.center,
        bound_to=part_rows(binding.parts) if binding else None,
        how=binding.how if binding else None,
        consumed=text(shown.consumed),
        returned=text(shown.returned),
        owed=text(shown.open),
        takes=[_take(taken) for taken in shown.takes],
        shortages=[row_of(ShortageRow, row) for row in shown.shortages],
    )


def corrected_row(corrected: Corrected) -> CorrectedRow:
    """Return what `orders correct` did."""
    return CorrectedRow(
        account=corrected.order.account,
        order_id=corrected.order.order_id,
        item_index=corrected.line.item_index,
        consumed=text(corrected.consumed),
        returned=text(corrected.returned),
        owed=text(corrected.owed),
        ruling=text(corrected.line.ruling),
        refused=list(corrected.line.refused),
        movements=[movement_row(movement) for movement in corrected.movements],
        settled=order_names(corrected.settled),
    )


def forgotten_row(done: Forgotten) -> ForgottenRow:
    """Return what `orders forget` did."""
    return ForgottenRow(
        account=done.key.account,
        order_id=done.key.order_id,
        payloads=done.payloads,
        deliveries=done.deliveries,
        others=order_names(done.others),
    )


def _take(taken: Taken) -> TakeRow:
    return row_of(
        TakeRow,
        taken.take,
        location=taken.location,
        lot=taken.lot,
        serial=taken.serial,
        strategy=taken.strategy,
        why=taken.why,
    )
