"""What a person may do with events: see what became of them, and have them worked again.

Replaying is safe at any time: an event is what the store says of an order, never an increment, and the worker books
only what is not booked yet (design.md, promise 2).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from stockhook.errors import NotFound
from stockhook.model import Allocation, Delivery, DeliveryState, Event, EventState, Movement, OrderKey
from stockhook.operations.desk import Desk
from stockhook.operations.due import every, make_due, pages
from stockhook.operations.edges import span
from stockhook.operations.orders import find_key
from stockhook.operations.records import known, missing
from stockhook.store import FOREVER, Match, Read, Work

AT_ONCE: Final = 500
"""Events that are made pending in one commit, so that no commit holds up the store's deliveries."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An event, what it booked and why; ``kept``: its delivery's payload has not been removed yet."""

    event: Event
    movements: tuple[Movement, ...]
    allocations: tuple[Allocation, ...]
    kept: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """Ids of the events that are worked again; orders worked from their facts, because a payload is gone.

    ``lost`` are the ids of events of which neither is left.
    """

    events: tuple[int, ...] = ()
    orders: tuple[OrderKey, ...] = ()
    lost: tuple[int, ...] = ()

    def __add__(self, other: "Replayed") -> "Replayed":
        """Return both together."""
        orders = tuple(dict.fromkeys((*self.orders, *other.orders)))
        return Replayed((*self.events, *other.events), orders, (*self.lost, *other.lost))


def list_events(
    desk: Desk,
    *,
    state: EventState | None = None,
    since: datetime | None = None,
    order: str | None = None,
    channel: str | None = None,
    most: int = 1000,
) -> list[Event]:
    """Return events, newest first; ``order`` is an order id, or ACCOUNT/ORDER."""
    where: dict[str, Match] = {}
    if state is not None:
        where["state"] = state
    if channel is not None:
        where["channel"] = channel
    with desk.store.read() as view:
        where |= span(view, Event, since, None)
        if order is not None:
            key = find_key(view, order)
            where |= {"account": key.account, "order_id": key.order_id}
        return view.find(Event, where, most=most)


def show(desk: Desk, event_id: int) -> Shown:
    """Return one event with what it booked; raises NotFound."""
    with desk.store.read() as view:
        event = known(view, Event, event_id)
        mine = booked_by(view, event_id)
        movements = view.find(Movement, mine, most=FOREVER)
        allocations = view.find(Allocation, mine, most=FOREVER)
        kept = view.body(event.delivery_id) is not None
        return Shown(event, tuple(reversed(movements)), tuple(reversed(allocations)), kept)


def booked_by(view: Read, event_id: int) -> dict[str, Match]:
    """Return what finds the movements, or the allocations, of an event: by its order, since it books for no other."""
    found = view.find(Event, {"id": event_id})
    account, order_id = (found[0].account, found[0].order_id) if found else (None, None)
    return {"account": account or "", "order_id": order_id or "", "event_id": event_id}


def replay(desk: Desk, ids: Sequence[int]) -> Replayed:
    """Have events worked again; raises NotFound, with nothing changed, if one of them does not exist."""
    with desk.store.read() as view:
        there: dict[int, Event] = {}
        for start in range(0, len(ids), AT_ONCE):
            asked = frozenset(ids[start : start + AT_ONCE])
            there |= {event.id: event for event in view.find(Event, {"id": asked}, most=FOREVER)}
    none = [missing(Event, event_id) for event_id in dict.fromkeys(ids) if event_id not in there]
    if none:
        raise NotFound("\n".join([*none, "nothing was replayed"]))
    return _replay(desk, sorted(there), lambda _: None)


def replay_matching(
    desk: Desk,
    state: EventState,
    since: datetime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Have all events of a state worked again, oldest first; ``progress`` hears how many more are done."""
    with desk.store.read() as view:
        where = {"state": state, **span(view, Event, since, None)}
        ids = [event.id for page in pages(view, Event, where) for event in page]
    return _replay(desk, sorted(ids), progress)


def replay_found(desk: Desk, where: Mapping[str, Match], most: int) -> Replayed:
    """Have the newest events that match worked again, at most so many, oldest first."""
    with desk.store.read() as view:
        ids = [event.id for event in islice(every(view, Event, where), most)]
    return _replay(desk, sorted(ids), lambda _: None)


def _replay(desk: Desk, ids: Sequence[int], progress: Callable[[int], None]) -> Replayed:
    done = Replayed()
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        with desk.store.write() as work:
            done += _replay_some(desk, work, work.find(Event, {"id": frozenset(some)}, most=FOREVER))
        progress(len(some))
    return done


def _replay_some(desk: Desk, work: Work, events: Iterable[Event]) -> Replayed:
    ordered = sorted(events, key=lambda event: event.id)
    deliveries = {event.delivery_id for event in ordered}
    kept = {delivery for delivery in deliveries if work.body(delivery) is not None}
    again = [event for event in ordered if event.delivery_id in kept]
    pruned = [event for event in ordered if event.delivery_id not in kept]
    now = desk.clock.now()
    found = work.find(Delivery, {"id": frozenset(kept)}, most=FOREVER) if kept else []
    fresh = [replace(e, state=EventState.PENDING, reason=None, attempts=0, finished_at=None, text=None) for e in again]
    # together: a delivery in the hands of a worker is waited for, which must not be while nobody else can write
    work.save([*fresh, *(replace(one, state=DeliveryState.PENDING, due_at=now, attempts=0) for one in found)])
    keys = {event.id: OrderKey(event.account or "", event.order_id or "") for event in pruned}
    orders = work.orders(set(keys.values())) if keys else {}
    make_due(desk, work, orders)
    lost = [event_id for event_id, key in keys.items() if key not in orders]
    first, last = (ordered[0].id, ordered[-1].id) if ordered else (0, 0)
    work.save([desk.audit("events replay", f"event {first}" if first == last else f"events {first} to {last}")])
    return Replayed(tuple(event.id for event in again), tuple(orders), tuple(lost))
