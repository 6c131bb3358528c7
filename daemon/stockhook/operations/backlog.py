"""What waits to be worked, counted by indexes on what is open: whatever else is kept, it costs what it finds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stockhook.model import Delivery, DeliveryState, EventState, Order
from stockhook.store import Range, Read

COUNTED: Final = frozenset({EventState.PENDING, EventState.SHORT, EventState.PARKED, EventState.FAILED})
"""States that are counted: those that someone may have to look at. The rest grow for ever and are only listed."""

_FAR: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be worked; ``oldest`` is when the delivery whose turn is next came."""

    deliveries: int
    orders: int
    oldest: datetime | None


def backlog(view: Read, now: datetime) -> Backlog:
    """Return what waits to be worked, what is held back for a later try included."""
    deliveries = view.totals(Delivery, where={"state": DeliveryState.PENDING})
    orders = view.totals(Order, where={"due_at": Range(high=now + _FAR)})
    first = view.due(now + _FAR, 1).deliveries
    oldest = first[0].received_at if first else None
    return Backlog(sum(total.count for total in deliveries), sum(total.count for total in orders), oldest)
