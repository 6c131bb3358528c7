"""How much comes in and goes out, hour by hour and day by day, for the charts; quick at a million movements."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from threading import Lock
from typing import Any, Final

from stockhook.errors import StoreUnavailable
from stockhook.model import NEW, Delivery, Movement, MovementKind
from stockhook.operations.edges import SETTLED, Edges, first_id
from stockhook.quantity import Quantity
from stockhook.store import Range, Read, Store

HOURS: Final = 24
DAYS: Final = 14
ITEM_DAYS: Final = 30
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_OUT: Final = frozenset({MovementKind.CONSUMPTION, MovementKind.REVERSAL})


@dataclass(frozen=True, slots=True)
class Point:
    """What there was from ``start`` on for an hour or a day, or at ``start``."""

    start: datetime
    value: int


@dataclass(slots=True)
class _Sums:
    """Sums of stretches of time: whole ones, and how far the newest has been summed already."""

    whole: dict[datetime, int] = field(default_factory=dict)
    begun: dict[datetime, tuple[int, int]] = field(default_factory=dict)


class Volume:
    """Sums that are remembered for stretches of time that are over, so that a page counts only what is new."""

    def __init__(self) -> None:
        self.edges = Edges()
        self._deliveries = _Sums()
        self._units = _Sums()
        self._lock = Lock()

    def learn(self, store: Store, now: datetime) -> None:
        """Sum up what the first page shows before it is asked for; a store that is away is asked by the page itself."""
        with suppress(StoreUnavailable), store.read() as view:
            self.deliveries(view, now)
            self.units_out(view, now)

    def deliveries(self, view: Read, now: datetime) -> list[Point]:
        """Return how many deliveries came in each of the last ``HOURS`` hours, the one that is not over included."""
        newest = now.replace(minute=0, second=0, microsecond=0)
        return self._series(view, Delivery, self._deliveries, _starts(newest, _HOUR, HOURS), _HOUR, now, _counted)

    def units_out(self, view: Read, now: datetime) -> list[Point]:
        """Return how much was booked as shipped on each of the last ``DAYS`` days (UTC), over all items, in millionths.

        What was taken back because it had not shipped is less on the day on which that was booked.
        """
        return self._series(view, Movement, self._units, _starts(_midnight(now), _DAY, DAYS), _DAY, now, _shipped)

    def on_hand(self, view: Read, sku: str, total: Quantity, now: datetime) -> list[Point]:
        """Return how much there was of an item at each midnight (UTC) of the last days, and now; ``total`` is now's."""
        starts = _starts(_midnight(now), _DAY, ITEM_DAYS)
        points = [Point(now, total)]
        end: int | None = None
        for start in reversed(starts):
            low = self.edges.first_id(view, Movement, start, now)
            where = {"sku": sku, "id": Range(low, end)}
            total -= sum(each.amount for each in view.totals(Movement, where=where))
            points.append(Point(start, total))
            end = low
        return points[::-1]

    def _series(
        self,
        view: Read,
        record: type[Any],
        sums: _Sums,
        starts: list[datetime],
        step: timedelta,
        now: datetime,
        count: Callable[[Read, Range], int],
    ) -> list[Point]:
        with self._lock:
            for known in (sums.whole, sums.begun):
                for old in [start for start in known if start < starts[0]]:
                    del known[old]
            return [Point(start, self._one(view, record, sums, start, step, now, count)) for start in starts]

    def _one(
        self,
        view: Read,
        record: type[Any],
        sums: _Sums,
        start: datetime,
        step: timedelta,
        now: datetime,
        count: Callable[[Read, Range], int],
    ) -> int:
        """Return the sum of one stretch; what cannot change any more is remembered."""
        if start in sums.whole:
            return sums.whole[start]
        settled = now - SETTLED
        low = self.edges.first_id(view, record, start, now)
        if start + step <= settled:
            high = self.edges.first_id(view, record, start + step, now)
            done, so_far = sums.begun.pop(start, (low, 0))
            sums.whole[start] = so_far + count(view, Range(done, high))
            return sums.whole[start]
        end = self.edges.first_id(view, record, start + step, now) if start + step <= now else None
        done, so_far = sums.begun.get(start, (low, 0))
        if start < settled:
            upto = max(done, first_id(view, record, settled))
            so_far += count(view, Range(done, upto))
            sums.begun[start] = (upto, so_far)
            done = upto
        return so_far + count(view, Range(done, end))


def _starts(newest: datetime, step: timedelta, many: int) -> list[datetime]:
    return [newest - step * back for back in reversed(range(many))]


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(), now.tzinfo)


def _counted(view: Read, ids: Range) -> int:
    return sum(total.count for total in view.totals(Delivery, where={"id": ids})) if _any(ids) else 0


def _shipped(view: Read, ids: Range) -> int:
    both = Range(ids.low, NEW if ids.high is None else ids.high)  # with one end SQLite goes by the order instead
    where = {"id": both, "kind": _OUT, "order_id": Range(low="")}  # a person's undo names no order
    return -sum(total.amount for total in view.totals(Movement, where=where)) if _any(ids) else 0


def _any(ids: Range) -> bool:
    return bool(ids.high is None or ids.low < ids.high)
