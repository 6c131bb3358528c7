"""The overview: what waits, what is wrong, and how much comes in and goes out."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from stockhook.model import Problem, ProblemState
from stockhook.operations.backlog import COUNTED, Backlog, backlog, open_events
from stockhook.operations.deliveries import newest_of
from stockhook.operations.desk import Desk
from stockhook.plugin_manager import Status
from stockhook.quantity import text
from stockhook.rows.values import Amount, Moment, Row, utc, utc_or_none
from stockhook.store import Read
from stockhook.web.api.route import Routes
from stockhook.web.overview import waiting
from stockhook.web.site import Site

routes = Routes()


class BacklogRow(Row, frozen=True, kw_only=True):
    """What waits to be worked; ``oldest_at`` is since when what comes next has waited, null where nothing is due."""

    deliveries: int
    orders: int
    oldest_at: Moment | None
    oldest_seconds: Annotated[int | None, Meta(description="Its age now, in whole seconds.")]


class HourRow(Row, frozen=True, kw_only=True):
    """Deliveries of an hour."""

    start: Moment
    deliveries: int


class DayRow(Row, frozen=True, kw_only=True):
    """What was booked as shipped on a day (UTC), over all items, less what was taken back."""

    day: date
    shipped: Amount


class UnsentRow(Row, frozen=True, kw_only=True):
    """Notices that a notifier has yet to send, and what went wrong at the last try, if anything."""

    notifier: str
    waiting: int
    error: str | None


class HeardRow(Row, frozen=True, kw_only=True):
    """When a channel last sent something."""

    channel: str
    last_delivery_at: Moment | None


class OverviewRow(Row, frozen=True, kw_only=True):
    """How things stand ``at`` a moment, as the first page shows it.

    ``events`` counts those by state that somebody may have to look at. ``shadow``: nothing is booked for orders.
    """

    at: Moment
    backlog: BacklogRow
    events: dict[str, int]
    open_problems: int
    notices: list[UnsentRow]
    channels: list[HeardRow]
    hours: Annotated[list[HourRow], Meta(description="The last 24, oldest first, the present one included.")]
    days: Annotated[list[DayRow], Meta(description="The last 14, oldest first, today included.")]
    failed_plugins: list[str]
    shadow: bool


@routes.get("/overview")
def show_overview(desk: Desk, site: Site) -> OverviewRow:
    """Show what waits and since when, what is wrong, and how much comes in and goes out."""
    now, settings = desk.clock.now(), site.settings
    with desk.store.read() as view:
        counts = open_events(view)
        unsent = waiting(view, settings.notifiers)
        return OverviewRow(
            at=utc(now),
            backlog=_backlog(backlog(view, now), now),
            events={state.value: counts.get(state, 0) for state in sorted(COUNTED)},
            open_problems=sum(each.count for each in view.totals(Problem, where={"state": ProblemState.OPEN})),
            notices=[UnsentRow(notifier=each.notifier, waiting=each.count, error=each.error) for each in unsent],
            channels=[_heard(view, name) for name in settings.channels],
            hours=[HourRow(start=each.start, deliveries=each.value) for each in site.volume.deliveries(view, now)],
            days=[DayRow(day=each.start.date(), shipped=text(each.value)) for each in site.volume.units_out(view, now)],
            failed_plugins=[each.name for each in settings.plugins.records if each.status is Status.FAILED],
            shadow=settings.shadow,
        )


def _backlog(found: Backlog, now: datetime) -> BacklogRow:
    age = None if found.oldest is None else max(int((now - found.oldest).total_seconds()), 0)
    return BacklogRow(
        deliveries=found.deliveries,
        orders=found.orders,
        oldest_at=utc_or_none(found.oldest),
        oldest_seconds=age,
    )


def _heard(view: Read, channel: str) -> HeardRow:
    newest = newest_of(view, channel)
    return HeardRow(channel=channel, last_delivery_at=utc(newest.received_at) if newest else None)
