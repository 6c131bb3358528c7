"""Where a moment lies among ids: records come in the order of their ids, so no index of times is needed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

from stockhook.model import NEW, Delivery, Event, Movement
from stockhook.store import Match, Range, Read

SETTLED: Final = timedelta(minutes=5)
"""After so long no record is committed any more whose moment is earlier: ids up to there stay as they are."""

MOMENT: Final[Mapping[type, str]] = {Delivery: "received_at", Movement: "at"}
"""The field of a record that says when it came; those whose ids follow it."""

FEW: Final = 10_000
"""Deliveries of which the ids of all events are asked for: some milliseconds."""

_MOST_KNOWN: Final = 10_000
_SLACK: Final = timedelta(hours=1)
_EARLY: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LATE: Final = datetime(9000, 1, 1, tzinfo=UTC)


def first_id(view: Read, record: type[Any], moment: datetime) -> int:
    """Return the smallest id from which on all records are of that moment or later, one behind the last for none.

    It looks in the middle, again and again: some twenty reads of one row in a store of a million.
    """
    field = MOMENT[record]
    newest = view.find(record, most=1)
    low, high = 1, newest[0].id + 1 if newest else 1
    while low < high:
        middle = (low + high) // 2
        found = view.find(record, {"id": Range(high=middle + 1)}, most=1)
        if found and getattr(found[0], field) >= moment:
            high = middle
        else:
            low = middle + 1
    return low


def span(view: Read, record: type[Any], since: datetime | None, until: datetime | None) -> dict[str, Match]:
    """Return the match of the records that came between two moments, the second one left out.

    Ids follow the times, but for a clock that was set back a little: they bound what is looked through. Those of events
    do not: a delivery that is read again, or late, has events that are younger than their times. So what bounds these
    are the ids that the deliveries of that time have, or nothing where such deliveries are many.
    """
    if since is None and until is None:
        return {}
    if record is Event:
        asked: dict[str, Match] = {"received_at": Range(since, until)}
        return asked | _events(view, _bounds(view, Delivery, since, until))
    return {"id": _bounds(view, record, since, until), MOMENT[record]: Range(since, until)}


def _events(view: Read, deliveries: Range) -> dict[str, Match]:
    low, high = deliveries.low or 1, deliveries.high or NEW  # with one end SQLite goes by the order instead
    newest = view.find(Delivery, most=1)
    if newest and min(high, newest[0].id + 1) - low > FEW:
        return {}
    ids = [total.by[0] for total in view.totals(Event, ("id",), {"delivery_id": Range(low, high)})]
    return {"id": Range(min(ids), max(ids) + 1) if ids else Range(1, 1)}


def _bounds(view: Read, record: type[Any], since: datetime | None, until: datetime | None) -> Range:
    low = None if since is None or since < _EARLY else first_id(view, record, since - _SLACK)
    high = None if until is None or until > _LATE else first_id(view, record, until + _SLACK)
    return Range(low, high)


class Edges:
    """Remembers where moments lie that are long enough ago not to change; for any thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[type, datetime], int] = {}
        self._lock = Lock()

    def first_id(self, view: Read, record: type[Any], moment: datetime, now: datetime) -> int:
        """Return what ``first_id`` does."""
        known = self._known.get((record, moment))
        if known is not None:
            return known
        found = first_id(view, record, moment)
        if moment <= now - SETTLED:
            with self._lock:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[record, moment] = found
        return found
