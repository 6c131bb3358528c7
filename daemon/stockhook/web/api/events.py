"""Events: what the store said, and what became of it."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Event, EventState
from stockhook.operations import dry_run
from stockhook.operations import events as operations
from stockhook.operations.desk import Desk
from stockhook.operations.edges import span
from stockhook.rows.dry_run import DryRunRow, dry_run_row
from stockhook.rows.received import EventRow, ReplayedRow, ShownEvent, event_row, replayed_row, shown_event
from stockhook.store import Match, Read
from stockhook.web.api.contents import At
from stockhook.web.api.faults import bad
from stockhook.web.api.filters import Account, Channel, Code, Lot, OrderId, Since, Until, given, of_orders
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Id, Query, Routes
from stockhook.web.site import Site

routes = Routes()


class EventFilter(Query, frozen=True, kw_only=True):
    """Which events."""

    state: Annotated[EventState | None, Meta(description="Only those in this state.")] = None
    channel: Channel = None
    account: Account = None
    order_id: OrderId = None
    code: Code = None
    lot: Lot = None
    delivery_id: Annotated[Id | None, Meta(description="Only those of this delivery.")] = None
    name: Annotated[str | None, Meta(description="Only those of this name, such as order_ship.")] = None
    reason: Annotated[str | None, Meta(description="Only those with this reason.")] = None
    since: Since = None
    until: Until = None

    def where(self, view: Read) -> dict[str, Match]:
        """Return what they match."""
        fields = given(
            state=self.state,
            channel=self.channel,
            account=self.account,
            delivery_id=self.delivery_id,
            name=self.name,
            reason=self.reason,
        )
        days = span(view, Event, self.since, self.until)
        return fields | days | of_orders(view, Event, self.order_id, self.code, self.lot)


@routes.get("/events")
def list_events(desk: Desk, query: EventFilter, page: Page) -> Listed[EventRow]:
    """List what the store said, newest first; the times are those of receipt."""
    with desk.store.read() as view:
        return listed(view, Event, query.where(view), page, event_row)


@routes.get("/events/{event_id}")
def show_event(desk: Desk, event_id: Id) -> ShownEvent:
    """Show one event: what became of it, what it booked, from which units and why."""
    return shown_event(operations.show(desk, event_id))


@routes.get("/events/{event_id}/dry-run")
def dry_run_event(desk: Desk, site: Site, event_id: Id) -> DryRunRow:
    """Tell what running one event again would book now, from which units and why; nothing is written.

    What was replayed is worked by the daemon a moment later: goods may have moved by then.
    """
    channels = {name: each.channel for name, each in site.settings.channels.items()}
    return dry_run_row(dry_run.dry_run_event(desk, channels, event_id))


class Rerun(Content, frozen=True, kw_only=True):
    """Which events are worked again: those named, or all of a state, received since a moment."""

    ids: Annotated[list[Id], Meta(min_length=1, max_length=10_000)] | None = None
    state: EventState | None = None
    since: At | None = None


@routes.post("/events/replay")
def replay_events(desk: Desk, body: Rerun) -> ReplayedRow:
    """Have events worked again by the daemon; what is booked already is not booked twice."""
    if (body.ids is None) == (body.state is None):
        raise bad("ids", "name events by their ids, or all of a state by state; not both")
    if body.ids is not None:
        if body.since is not None:
            raise bad("since", "since goes with state")
        return replayed_row(operations.replay(desk, body.ids))
    assert body.state is not None
    return replayed_row(operations.replay_matching(desk, body.state, body.since))


@routes.post("/events/{event_id}/replay")
def replay_event(desk: Desk, event_id: Id) -> ReplayedRow:
    """Have one event worked again by the daemon; what is booked already is not booked twice."""
    return replayed_row(operations.replay(desk, [event_id]))
