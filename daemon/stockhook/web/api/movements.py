"""Movements: the ledger."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Movement, MovementKind
from stockhook.operations.desk import Desk
from stockhook.operations.edges import span
from stockhook.operations.events import booked_by
from stockhook.operations.records import known
from stockhook.operations.stock import reversals
from stockhook.rows.changes import AdjustedRow, adjusted_row
from stockhook.rows.stock import LedgerRow, ledger_row
from stockhook.store import Match, Read
from stockhook.web.api.filters import Account, OrderId, Since, Sku, Until, given, sku_of
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Id, Query, Routes
from stockhook.web.api.units import Why

routes = Routes()


class MovementFilter(Query, frozen=True, kw_only=True):
    """Which movements."""

    sku: Sku = None
    unit_id: Annotated[Id | None, Meta(description="Only of this unit.")] = None
    kind: Annotated[MovementKind | None, Meta(description="Only of this kind.")] = None
    account: Account = None
    order_id: OrderId = None
    event_id: Annotated[Id | None, Meta(description="Only those that this event booked.")] = None
    reverses: Annotated[Id | None, Meta(description="Only those that name this movement.")] = None
    since: Since = None
    until: Until = None

    def where(self, view: Read) -> dict[str, Match]:
        """Return what they match."""
        fields = given(
            sku=sku_of(view, self.sku),
            unit_id=self.unit_id,
            kind=self.kind,
            account=self.account,
            order_id=self.order_id,
            event_id=self.event_id,
            reverses=self.reverses,
        )
        if self.event_id is not None:
            fields = booked_by(view, self.event_id) | fields
        return fields | span(view, Movement, self.since, self.until)


@routes.get("/movements")
def list_movements(desk: Desk, query: MovementFilter, page: Page) -> Listed[LedgerRow]:
    """List the entries of the ledger, newest first; the times are those of booking."""
    with desk.store.read() as view:
        return listed(view, Movement, query.where(view), page, ledger_row)


@routes.get("/movements/{movement_id}")
def show_movement(desk: Desk, movement_id: Id) -> LedgerRow:
    """Show one entry of the ledger."""
    with desk.store.read() as view:
        return ledger_row(known(view, Movement, movement_id))


@routes.post("/movements/{movement_id}/undo")
def undo_movement(desk: Desk, movement_id: Id, body: Why) -> AdjustedRow:
    """Book the opposite of a receipt, an adjustment, a count, or both halves of a move; nothing is ever deleted."""
    return adjusted_row(reversals.undo(desk, movement_id, body.reason))
