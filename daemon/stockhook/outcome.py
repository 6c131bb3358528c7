"""What becomes of one event: noted with its order, set aside for a person, tried again later, or of no account.

The worker books what comes of it; a dry run tells it and books nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from stockhook import log
from stockhook.batch import Batch
from stockhook.channel import Nothing
from stockhook.draft import Cause
from stockhook.errors import BadEvent
from stockhook.model import Event, EventState, Snapshot, fold
from stockhook.reading import Pending
from stockhook.record import replace

logger = log.get(__name__)

ATTEMPTS: Final = 8
"""How often an event that raises something unexpected is tried before it is given up (``dead-letter``)."""

_NOTHING: Final = {
    "not-a-shipment": "this kind of event moves no stock",
    "unknown-event": "no event of this name is known; it was noted and moves no stock",
}


@dataclass(slots=True)
class Outcome:
    """What events leave beside what their orders' batch books.

    ``events`` are those that belong to no booking, ``told`` what a person should know of some of them (kind and words
    of a problem), ``again`` those that are to be tried once more.
    """

    events: list[Event] = field(default_factory=list)
    told: list[tuple[Event, str, str]] = field(default_factory=list)
    again: list[Event] = field(default_factory=list)

    def refuse(self, event: Event, error: BadEvent, now: datetime) -> None:
        """Set an event aside for a person: it was understood, but must not be booked as it is."""
        state = EventState.FAILED if error.kind == "quarantined" else EventState.PARKED
        refused = replace(event, state=state, reason=error.kind, text=str(error), finished_at=now)
        self.events.append(refused)
        self.told.append((refused, error.kind, str(error)))

    def retry(self, event: Event, error: Exception, now: datetime) -> None:
        """Have an event tried again after an unexpected error, or give it up in the end."""
        attempts = event.attempts + 1
        words = f"{type(error).__name__}: {error}"[:500]
        if attempts < ATTEMPTS:
            failed = replace(event, state=EventState.PENDING, attempts=attempts, text=words, finished_at=None)
            self.again.append(failed)
        else:
            words = f"given up after {attempts} attempts: {words}"
            failed = replace(
                event, state=EventState.FAILED, reason="dead-letter", attempts=attempts, text=words, finished_at=now
            )
            self.told.append((failed, "dead-letter", words))
        self.events.append(failed)


def codes(pending: Iterable[Pending]) -> set[tuple[str, str]]:
    """Return the (account, folded code) that these events name: a batch must know what they mean."""
    return {
        (one.read.account, fold(line.code))
        for one in pending
        if isinstance(one.read, Snapshot)
        for line in one.read.lines or ()
    }


def work_event(batch: Batch, pending: Pending, outcome: Outcome, actor: str, now: datetime) -> None:
    """Note an event with its order in the batch, or in ``outcome`` what else becomes of it; raises nothing."""
    event = pending.event
    cause = Cause(now, actor, event.id or next(batch.ids))
    match pending.read:
        case Snapshot() | None as snapshot:
            try:
                if snapshot is None:
                    batch.renew(event, cause)
                else:
                    batch.note(snapshot, event, cause)
            except BadEvent as error:
                outcome.refuse(event, error, now)
            except Exception as error:  # guards the loop: the event is tried again by itself
                logger.exception("event failed", name=event.name, order=event.order_id)
                outcome.retry(event, error, now)
        case Nothing() as nothing:
            words = _NOTHING.get(nothing.reason, nothing.reason)
            ignored = replace(event, state=EventState.IGNORED, reason=nothing.reason, text=words, finished_at=now)
            outcome.events.append(ignored)
        case BadEvent() as error:
            outcome.refuse(event, error, now)
        case Exception() as error:
            outcome.retry(event, error, now)
