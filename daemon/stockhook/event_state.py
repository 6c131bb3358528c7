"""What an evaluation leaves behind of events and their order: states, sentences, and when it is tried again."""

from datetime import datetime, timedelta
from typing import Final

from stockhook.draft import Cause
from stockhook.evaluate import Evaluation
from stockhook.model import Event, EventState, Order
from stockhook.record import replace
from stockhook.shadow import SHADOW

OPEN: Final = frozenset({EventState.SHORT, EventState.PARKED})
"""States of events that become ``applied`` by themselves."""


def due_again(order: Order, result: Evaluation, now: datetime) -> Order:
    """Return the order no longer due; after a refused plan it is due again after a while, in case the cause is gone."""
    if result.reason != "bad-plan":
        return order if order.due_at is None and not order.attempts else replace(order, due_at=None, attempts=0)
    wait = timedelta(seconds=min(3600, 15 * 2**order.attempts))
    return replace(order, due_at=now + wait, attempts=min(order.attempts + 1, 12))


def finished(event: Event, result: Evaluation, cause: Cause, *, changed: bool, superseded: bool) -> Event:
    """Return an event that has been worked; ``changed`` and ``superseded`` say what it meant for the facts."""
    state, reason, words = result.verdict, result.reason, result.text
    if superseded and not result.books:
        state, reason, words = EventState.SUPERSEDED, None, "a newer snapshot of the order had been worked before"
    elif not changed and not result.books and state not in OPEN and reason != SHADOW:
        state, reason, words = EventState.UNCHANGED, None, "it said nothing new"
    number = cause.event_id or event.id
    return replace(event, id=number, state=state, reason=reason, text=words, finished_at=cause.now)


def moved_on(event: Event, result: Evaluation, now: datetime) -> Event:
    """Return an event of the order that was waiting, as the evaluation leaves it."""
    if result.verdict in OPEN or result.reason == SHADOW:
        return replace(event, state=result.verdict, reason=result.reason, text=result.text, finished_at=now)
    words = result.text if result.books else "what it waited for is settled"
    return replace(event, state=EventState.APPLIED, reason=None, text=words, finished_at=now)
