"""The worker: claims what is due, reads and evaluates it in one batch, and books all of it in one commit.

One bad event is set aside without harm to the rest: an error it raises is its own, and a batch that cannot be booked
is taken apart, one delivery at a time.
"""

import math
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from stockhook import log, problems
from stockhook.batch import Batch
from stockhook.channel import Channel
from stockhook.draft import Cause, Signal
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.meters import Meters
from stockhook.model import Booking, Delivery, DeliveryState, Event, EventState, Order, OrderKey
from stockhook.operations import outcomes
from stockhook.operations.desk import Desk
from stockhook.operations.posting import follow
from stockhook.outbox import EVENT_KINDS
from stockhook.outcome import ATTEMPTS, Outcome, codes, work_event
from stockhook.problems import Occurrence, Report
from stockhook.reading import Opened, Pending, open_delivery
from stockhook.record import replace
from stockhook.store import FOREVER, Due, Work

logger = log.get(__name__)

PLANNING: Final = 0.010
"""Seconds of planning after which a batch takes no further event while a request waits for a commit."""

IN_ANY_CASE: Final = 25
"""So many times ``PLANNING``, and it takes none in any case.

Long enough for a full batch of usual events where two daemons share a processor: what is read and not planned is read
again, and each batch costs its journeys to the store.
"""

ELSEWHERE: Final = timedelta(milliseconds=100)
"""How long an event waits whose order is in the hands of another daemon: about as long as a batch takes."""

FEW: Final = 16
"""How many events a batch takes at most while deliveries come: none can be committed while a batch is written."""

LATELY: Final = 1.0
"""Deliveries come as long as the last one has been committed no more seconds ago."""

_ACTOR: Final = "worker"


def retry_after(attempts: int, chance: Callable[[], float] = random.random) -> timedelta:
    """Return how long to wait after so many failed attempts: 5 s growing threefold to 1 h, plus up to a tenth."""
    return timedelta(seconds=min(3600.0, 5.0 * 3 ** (attempts - 1)) * (1 + chance() / 10))


@dataclass(slots=True)
class _Result:
    """What a batch leaves beside its bookings: the outcome of events, the deliveries it got to, orders that failed."""

    outcome: Outcome = field(default_factory=Outcome)
    reached: list[Opened] = field(default_factory=list)
    unfinished: dict[int, list[Event]] = field(default_factory=dict)
    put_off: dict[int, list[Event]] = field(default_factory=dict)
    failed: list[OrderKey] = field(default_factory=list)
    worked: int = 0

    def retry(self) -> None:
        """Leave the events that are to be tried again with their deliveries."""
        for event in self.outcome.again:
            self.unfinished.setdefault(event.delivery_id, []).append(event)


class Worker:
    """Works deliveries and orders: ``step`` does one batch. ``WorkerLoop`` keeps at it and gives way to intake."""

    def __init__(
        self,
        desk: Desk,
        channels: Mapping[str, Channel],
        *,
        batch: int = 256,
        planning: float = PLANNING,
        quiet: Callable[[], float] = lambda: math.inf,
        meters: Meters | None = None,
    ) -> None:
        """Take what works and for which channels, and how large a batch may be.

        ``quiet`` tells how many seconds ago a request last waited for a commit; 0 while one does. ``meters`` count what
        is done.
        """
        self._desk = replace(desk, actor=_ACTOR)
        self._channels = channels
        self._most = self._pace = batch
        self._planning = planning
        self._quiet = quiet
        self._meters = meters or Meters()
        self.since: float | None = None
        """When, on the monotonic clock, the batch under way began; None between batches."""

    def step(self) -> int:
        """Work one batch and return how many events and orders it settled or set aside; 0 when nothing was due.

        Raises StoreUnavailable and StoreBroken; anything else that goes wrong is set aside with its event.
        """
        try:
            return self._work(min(self._pace, FEW) if self._quiet() < LATELY else self._pace)
        except (StoreUnavailable, StoreBroken):
            raise
        except Exception:
            logger.exception("batch cannot be booked, working its parts one by one")
        done = 0
        for _ in range(self._most):
            try:
                worked = self._work(1)
            except (StoreUnavailable, StoreBroken):
                raise
            except Exception as error:  # guards the loop: whatever one delivery raises must not stop the others
                logger.exception("delivery or order set aside")
                self._set_aside(error)
                worked = 1
            if not worked:
                break
            done += worked
        return done

    def _work(self, most: int) -> int:
        self.since = time.monotonic()
        try:
            return self._batch(most, self.since)
        finally:
            self.since = None

    def _batch(self, most: int, began: float) -> int:
        now = self._desk.clock.now()
        with self._desk.store.write() as work:
            due = work.claim(now, most)
            if not due:
                return 0
            # what is owed goes before newer needs (strategies.md 5): no event while more orders may be due than these
            opened = self._open(work, due, most) if len(due.orders) < most else []
            orders = {key for pending in _first(opened, most) if (key := pending.order) is not None}
            elsewhere = work.hold(orders)
            batch = self._load(work, (orders | set(due.orders)) - elsewhere, _first(opened, most))
            result = self._plan(batch, due, opened, most, now, elsewhere)
            bookings = batch.bookings()
            before = outcomes.known(work, _events(result, bookings))
            void = work.book(bookings)
            self._save(work, batch, result, void, now)
        self._meters.batches.add(time.monotonic() - began)
        self._meters.batch_events.add(result.worked)
        told = outcomes.settled(_events(result, bookings, void), before)
        self._meters.settled(told)
        outcomes.tell(told)
        return result.worked

    def _open(self, work: Work, due: Due, most: int) -> list[Opened]:
        """Read so many deliveries as hold a batch of events; the others stay as they are."""
        opened: list[Opened] = []
        events = 0
        for delivery in due.deliveries:
            if events >= most:
                break
            opened.append(open_delivery(work, delivery, self._channels, most - events))
            events += len(opened[-1].pending)
        return opened

    def _load(self, work: Work, keys: set[OrderKey], pending: list[Pending]) -> Batch:
        return Batch(self._desk.policies, work, keys, codes(pending))

    def _plan(
        self, batch: Batch, due: Due, opened: list[Opened], most: int, now: datetime, elsewhere: frozenset[OrderKey]
    ) -> _Result:
        """Evaluate orders, then events, until the batch is full or its time is over; at least one of them is done.

        Events of orders that another daemon works on are left for later.
        """
        result = _Result()
        began = time.monotonic()
        over = False
        for key in batch.oldest_first(due.orders):
            if over:
                break
            try:
                batch.again(key, Cause(now, _ACTOR))
            except Exception:  # guards the loop: the order is tried again by itself
                logger.exception("order failed", account=key.account, order=key.order_id)
                result.failed.append(key)
            result.worked += 1
            over = self._time_is_over(began)
        left = most
        for delivery in opened:
            if over or left <= 0:
                break
            result.reached.append(delivery)
            for n, pending in enumerate(delivery.pending):
                if over or left <= 0:
                    unfinished = [later.event for later in delivery.pending[n:]]
                    result.unfinished.setdefault(delivery.delivery.id, []).extend(unfinished)
                    break
                left -= 1
                if elsewhere and pending.order in elsewhere:
                    result.put_off.setdefault(delivery.delivery.id, []).append(pending.event)
                    continue
                work_event(batch, pending, result.outcome, _ACTOR, now)
                over = self._time_is_over(began)
        result.retry()
        grown = self._pace + self._pace // 4 + 1  # by little: what is read beyond the time there is, is read in vain
        self._pace = max(result.worked, most - left) + 1 if over else min(grown, self._most)
        result.worked += max(most - left, len(result.reached))
        return result

    def _time_is_over(self, began: float) -> bool:
        spent = time.monotonic() - began
        return spent > self._planning and (not self._quiet() or spent > IN_ANY_CASE * self._planning)

    def _save(self, work: Work, batch: Batch, result: _Result, void: frozenset[OrderKey | None], now: datetime) -> None:
        """Save what belongs to no order, bring the deliveries up to date, and record what to tell."""
        void_deliveries = batch.deliveries(void)
        deliveries = [_after(one, result, now, void=one.delivery.id in void_deliveries) for one in result.reached]
        work.save([*result.outcome.events, *self._put_off(batch, result, now)])
        work.save(_with_replays(work, result.reached, deliveries, now))
        report = batch.report(void)
        report.happened += [_occurrence(work, *told) for told in result.outcome.told]
        _settle_failures(result, report)
        follow(self._desk, work, batch, void, report)

    def _put_off(self, batch: Batch, result: _Result, now: datetime) -> list[Order]:
        """Return the orders that could not be evaluated, due again later."""
        states = [state for key in result.failed if (state := batch.state(key)) is not None]
        return [_later(state.order, now) for state in states]

    def _set_aside(self, error: Exception) -> None:
        """Put off the one order or event that cannot be worked even alone; give the event up in the end."""
        now = self._desk.clock.now()
        with self._desk.store.write() as work:
            due = work.claim(now, 1)
            for key in due.orders:
                state = work.orders([key]).get(key)
                if state is not None:
                    work.save([_later(state.order, now)])
                return
            for delivery in due.deliveries:
                one = open_delivery(work, delivery, self._channels, 1)
                result = _Result()
                for pending in one.pending:
                    result.outcome.retry(pending.event, error, now)
                result.retry()
                work.save([*result.outcome.events, _after(one, result, now, void=False)])
                report = Report(happened=[_occurrence(work, *told) for told in result.outcome.told])
                problems.record(work, report, self._desk.subscriptions, now)


def _later(order: Order, now: datetime) -> Order:
    attempts = order.attempts + 1
    return replace(order, due_at=now + retry_after(min(attempts, ATTEMPTS)), attempts=attempts)


def _after(opened: Opened, result: _Result, now: datetime, *, void: bool) -> Delivery:
    """Return the delivery as the batch leaves it: worked, to be gone on with, or to be tried again later."""
    delivery = opened.delivery
    unfinished = result.unfinished.get(delivery.id, [])
    elsewhere = result.put_off.get(delivery.id, [])
    if elsewhere and len(elsewhere) == len(opened.pending):
        return replace(delivery, events=opened.count, due_at=now + ELSEWHERE)
    if void or opened.unread or any(not event.attempts for event in unfinished):
        return replace(delivery, events=opened.count, due_at=now)
    if elsewhere:
        return replace(delivery, events=opened.count, due_at=now + ELSEWHERE)
    if unfinished:
        attempts = max(event.attempts for event in unfinished)
        return replace(delivery, events=opened.count, due_at=now + retry_after(attempts), attempts=attempts)
    return replace(delivery, state=DeliveryState.WORKED, events=opened.count, due_at=None, attempts=0)


def _events(result: _Result, bookings: list[Booking], void: Collection[OrderKey | None] = ()) -> list[Event]:
    """Return the events of a batch, but for those of void orders."""
    booked = [event for booking in bookings if booking.key not in void for event in booking.events]
    return [*result.outcome.events, *booked]


def _first(opened: list[Opened], most: int) -> list[Pending]:
    """Return the events that the batch may get to."""
    return [pending for delivery in opened for pending in delivery.pending][:most]


def _with_replays(work: Work, reached: list[Opened], after: list[Delivery], now: datetime) -> list[Delivery]:
    """Return the deliveries as they are ``after`` the batch, due again where an event was replayed meanwhile.

    One that is worked for the first time has no events yet that anybody could have replayed.
    """
    known = {one.delivery.id for one in reached if one.delivery.events}
    worked = frozenset(one.id for one in after if one.id in known and one.state is DeliveryState.WORKED)
    if not worked:
        return after
    pending = work.find(Event, {"delivery_id": worked, "state": EventState.PENDING}, most=FOREVER)
    replayed = {event.delivery_id for event in pending}
    return [replace(one, state=DeliveryState.PENDING, due_at=now) if one.id in replayed else one for one in after]


def _occurrence(work: Work, event: Event, kind: str, words: str) -> Occurrence:
    """Return what is to be told of an event, under the id that it was saved with."""
    where = (event.delivery_id, event.position)
    number = problems.event_id_of(work, where)
    signal = Signal(kind, str(number), f"event {number} ({event.name}): {words}")
    return Occurrence(signal, event.channel, event.account, event.order_id, where)


def _settle_failures(result: _Result, report: Report) -> None:
    """Close the problems about events that had been given up and now came through."""
    again = [pending.event for one in result.reached for pending in one.pending if pending.event.id]
    if not again:
        return
    still = {(event.delivery_id, event.position) for event, _, _ in result.outcome.told}
    waiting = [*result.unfinished.values(), *result.put_off.values()]
    still |= {(event.delivery_id, event.position) for events in waiting for event in events}
    for event in again:
        if (event.delivery_id, event.position) not in still:
            report.settled |= {(kind, str(event.id)) for kind in EVENT_KINDS}
