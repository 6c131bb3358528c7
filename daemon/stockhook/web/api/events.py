"""Events: what the store said, and what became of it."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Event, EventState
from stockhook.operations import events as operations
from stockhook.operations.desk import Desk
from stockhook.rows.received import EventRow, ShownEvent, event_row, shown_event
from stockhook.store import Match
from stockhook.web.api.filters import Account, Channel, OrderId, Since, Until, given, span
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Id, Query, Routes

routes = Routes()


class EventFilter(Query, frozen=True, kw_only=True):
    """Which events."""

    state: Annotated[EventState | None, Meta(description="Only those in this state.")] = None
    channel: Channel = None
    account: Account = None
    order_id: OrderId = None
    delivery_id: Annotated[Id | None, Meta(description="Only those of this delivery.")] = None
    name: Annotated[str | None, Meta(description="Only those of this name, such as order_ship.")] = None
    reason: Annotated[str | None, Meta(description="Only those with this reason.")] = None
    since: Since = None
    until: Until = None

    def where(self) -> dict[str, Match]:
        """Return what they match."""
        fields = given(
            state=self.state,
            channel=self.channel,
            account=self.account,
            order_id=self.order_id,
            delivery_id=self.delivery_id,
            name=self.name,
            reason=self.reason,
        )
        return fields | span("received_at", self.since, self.until)


@routes.get("/events")
def list_events(desk: Desk, query: EventFilter, page: Page) -> Listed[EventRow]:
    """List what the store said, newest first; the times are those of receipt."""
    with desk.store.read() as view:
        return listed(view, Event, query.where(), page, event_row)


@routes.get("/events/{event_id}")
def show_event(desk: Desk, event_id: Id) -> ShownEvent:
    """Show one event: what became of it, what it booked, from which units and why."""
    return shown_event(operations.show(desk, event_id))
