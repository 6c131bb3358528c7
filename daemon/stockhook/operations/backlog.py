"""What waits to be worked, counted by indexes on what is open: whatever else is kept, it costs what it finds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stockhook.model import Delivery, DeliveryState, Event, EventState, Order
from stockhook.store import Range, Read

COUNTED: Final = frozenset({EventState.PENDING, EventState.SHORT, EventState.PARKED, EventState.FAILED})
"""States that are counted: those that someone may have to look at. The rest grow for ever and are only listed."""

_FAR: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be worked.

    ``oldest`` is since when what comes next has waited: when the delivery came, or the order became due; None for
    nothing, and for orders that are put off to a later moment.
    """

    deliveries: int
    orders: int
    oldest: datetime | None


def backlog(view: Read, now: datetime) -> Backlog:
    """Return what waits to be worked, what is held back for a later try included."""
    deliveries = view.totals(Delivery, where={"state": DeliveryState.PENDING})
    orders = view.totals(Order, where={"due_at": Range(high=now + _FAR)})
    next_due = view.due(now + _FAR, 1)
    since = [delivery.received_at for delivery in next_due.deliveries]
    for key in next_due.orders:
        found = view.find(Order, {"account": key.account, "order_id": key.order_id}, most=1)
        since += [order.due_at for order in found if order.due_at is not None and order.due_at <= now]
    waiting = [sum(total.count for total in each) for each in (deliveries, orders)]
    return Backlog(waiting[0], waiting[1], min(since, default=None))


def open_events(view: Read) -> dict[EventState, int]:
    """Return how many events are in each of the states that are ``COUNTED``; one without any is left out."""
    return {total.by[0]: total.count for total in view.totals(Event, ("state",), {"state": COUNTED})}
