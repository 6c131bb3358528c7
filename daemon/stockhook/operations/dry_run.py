"""What an event would book now: worked as the worker works it, on a view of the store, and never written."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stockhook.batch import Batch
from stockhook.channel import Channel
from stockhook.draft import Signal
from stockhook.model import (
    NEW,
    Allocation,
    Delivery,
    Event,
    EventState,
    Movement,
    OrderKey,
    Problem,
    ProblemState,
    Shortage,
    Unit,
    Wait,
)
from stockhook.operations.channels import chosen
from stockhook.operations.desk import Desk
from stockhook.operations.kits import waiting_for
from stockhook.operations.records import known
from stockhook.operations.spreadsheet import read_file
from stockhook.outcome import Outcome, codes, work_event
from stockhook.quantity import Quantity
from stockhook.reading import Opened, open_body
from stockhook.record import replace
from stockhook.store import FOREVER, Read


@dataclass(frozen=True, slots=True)
class Raised:
    """A problem that would be told; ``known``: one like it is open already and would be counted once more."""

    signal: Signal
    known: bool


@dataclass(frozen=True, slots=True)
class WouldBook:
    """What would be booked for one order. Ids from ``model.NEW`` on are of records that do not exist yet.

    ``shortages`` are new or changed rows as they would be, ``waits`` all that the order would wait for.
    """

    key: OrderKey
    allocations: tuple[Allocation, ...]
    movements: tuple[Movement, ...]
    shortages: tuple[Shortage, ...]
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """The events asked about as they would end, what would be booked, and what persons would be told.

    ``settles`` are open problems (kind, subject) that may close, ``wakes`` how many orders wait for what would be given
    back. ``shadow``: the daemon would book none of it, because shadow mode is on.
    """

    events: tuple[Event, ...]
    orders: tuple[WouldBook, ...]
    raises: tuple[Raised, ...]
    settles: tuple[tuple[str, str], ...]
    wakes: int
    shadow: bool = False


def dry_run_event(desk: Desk, channels: Mapping[str, Channel], event_id: int) -> DryRun:
    """Return what replaying an event would do now; raises NotFound. Nothing is written."""
    with desk.store.read() as view:
        asked_for = known(view, Event, event_id)
        delivery = next(iter(view.find(Delivery, {"id": asked_for.delivery_id}, most=1)), None)
        if delivery is None:
            return DryRun((), (), (), (), 0, desk.policies.shadow)
        siblings = view.find(Event, {"delivery_id": delivery.id}, most=FOREVER)
        kept = {event.position: event for event in siblings}
        kept[asked_for.position] = replace(asked_for, state=EventState.PENDING, attempts=0)
        opened = open_body(delivery, view.body(delivery.id), kept, channels, FOREVER)
        asked = [pending for pending in opened.pending if pending.event.id in (0, event_id)]
        return _work(desk, view, replace(opened, pending=tuple(asked)))


def dry_run_file(desk: Desk, channels: Mapping[str, Channel], file: Path, channel: str | None = None) -> DryRun:
    """Return what a webhook with the bytes of a file would do now, as the channel's; None: there is only one.

    Raises Refused or NotFound for a file or a channel that is not there. Nothing is written.
    """
    name = chosen(channel, list(channels))
    body = read_file(file)
    now = desk.clock.now()
    delivery = Delivery(NEW, name, now, "dry run", (), hashlib.sha256(body).digest(), len(body))
    with desk.store.read() as view:
        return _work(desk, view, open_body(delivery, body, {}, channels, FOREVER))


def _work(desk: Desk, view: Read, opened: Opened) -> DryRun:
    keys = {key for pending in opened.pending if (key := pending.order) is not None}
    policies = replace(desk.policies, shadow=False)
    batch = Batch(policies, view, keys, codes(opened.pending))
    outcome = Outcome()
    for pending in opened.pending:
        work_event(batch, pending, outcome, desk.actor, desk.clock.now())
    left: dict[int, Quantity] = {}
    orders = tuple(
        WouldBook(key, booking.allocations, _balanced(view, booking.movements, left), booking.shortages, state.waits)
        for booking in batch.bookings()
        if (key := booking.key) is not None and (state := batch.state(key)) is not None
    )
    ended = [event for booking in batch.bookings() for event in booking.events]
    by_position = {
        event.position: event for event in (*ended, *outcome.events) if event.delivery_id == opened.delivery.id
    }
    events = tuple(by_position[pending.event.position] for pending in opened.pending)
    raises, settles = _told(view, batch, outcome)
    wakes = len(waiting_for(desk, view, batch.given_back(())))
    return DryRun(events, orders, raises, settles, wakes, desk.policies.shadow)


def _balanced(view: Read, movements: Iterable[Movement], left: dict[int, Quantity]) -> tuple[Movement, ...]:
    """Return movements with what their units would hold behind each; ``left`` runs along, from what they hold now."""
    balanced = []
    for movement in movements:
        unit_id = movement.unit_id
        if unit_id not in left:
            left[unit_id] = sum(unit.quantity for unit in view.find(Unit, {"id": unit_id}, most=1))
        left[unit_id] += movement.quantity
        balanced.append(replace(movement, balance_after=left[unit_id]))
    return tuple(balanced)


def _told(view: Read, batch: Batch, outcome: Outcome) -> tuple[tuple[Raised, ...], tuple[tuple[str, str], ...]]:
    """Return the problems that would be told, and the open ones that may close."""
    report = batch.report(())
    signals = [one.signal for one in report.happened]
    standing = [one.signal for occurrences in report.standing.values() for one in occurrences]
    signals += [Signal(kind, _subject(event), f"{event.name}: {words}") for event, kind, words in outcome.told]
    raises = [Raised(signal, _is_open(view, signal.kind, signal.subject)) for signal in signals]
    raises += [Raised(signal, known=False) for signal in standing if not _is_open(view, signal.kind, signal.subject)]
    told = {(one.signal.kind, one.signal.subject) for one in raises}
    settles = [key for key in sorted(report.settled) if key not in told and _is_open(view, *key)]
    return tuple(raises), tuple(settles)


def _is_open(view: Read, kind: str, subject: str) -> bool:
    return bool(view.find(Problem, {"kind": kind, "subject": subject, "state": ProblemState.OPEN}, most=1))


def _subject(event: Event) -> str:
    return str(event.id) if 0 < event.id < NEW else f"{event.channel}, {event.name} of {event.order_id}"
