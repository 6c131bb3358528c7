"""What the log says of the outcome of events: a line each, behind the commit that made it so, whoever asked for it."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, cast

from stockhook import log
from stockhook.event_state import OPEN
from stockhook.model import NEW, Booking, Event, EventState, OrderKey
from stockhook.store import FOREVER, Read, Store, Work

logger = log.get(__name__)
_LEVEL: Final = logging.getLogger(__name__)


Known: TypeAlias = Mapping[int, tuple[EventState, str | None]]
"""State and reason of events by id, as they are before a batch is booked."""


def known(view: Read, events: Iterable[Event]) -> Known:
    """Return how those of the events of a batch stand that would wait, and may have done so before."""
    ids = frozenset(event.id for event in events if event.state in OPEN and 0 < event.id < NEW)
    found = view.find(Event, {"id": ids}, most=FOREVER) if ids else ()
    return {event.id: (event.state, event.reason) for event in found}


def settled(events: Iterable[Event], before: Known) -> list[Event]:
    """Return those of the events of a batch of which something new is to be said: most wait on as they did before.

    ``before`` is what was ``known`` of them.
    """
    return [event for event in events if before.get(event.id) != (event.state, event.reason)]


def tell(events: Iterable[Event]) -> None:
    """Tell the log of these events, all with one write: their delivery and order, never their payload."""
    if _LEVEL.isEnabledFor(logging.INFO):
        log.tell_each(logger, "event worked", [_line(event) for event in events])


def telling(store: Store) -> Store:
    """Return the store for what persons and programs do by the daemon: it tells of the events that they settle."""
    return cast("Store", _TellingStore(store))


class _TellingStore:
    """A store whose units of work tell of their events once they are committed; one that is undone tells nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Open a unit of work, as the store does."""
        with self._store.write() as work:
            heard = _HeardWork(work)
            yield cast("Work", heard)
        tell(heard.events)


class _HeardWork:
    """A unit of work that remembers the events booked in it of which something new is to be said."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.events: list[Event] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def book(self, bookings: Sequence[Booking]) -> frozenset[OrderKey | None]:
        before = known(self._work, [event for booking in bookings for event in booking.events])
        void = self._work.book(bookings)
        events = [event for booking in bookings if booking.key not in void for event in booking.events]
        self.events += settled(events, before)
        return void


def _line(event: Event) -> dict[str, object]:
    return {
        "delivery": event.delivery_id,
        "position": event.position,
        "event_name": event.name,
        "channel": event.channel,
        "account": event.account,
        "order": event.order_id,
        "state": event.state.value,
        "reason": event.reason,
    }
