"""The daily word to each notifier that wants one: what moved, what waits, what is owed.

It is a notice like any other, kept in the outbox under its day, so that each day has one whatever is restarted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from stockhook.model import Movement, MovementKind, Notice, Problem, ProblemState, Shortage
from stockhook.operations.backlog import backlog, open_events
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.operations.edges import SETTLED, first_id
from stockhook.quantity import Quantity, counted, text
from stockhook.settings import Settings
from stockhook.store import Range, Read

SUMMARY: Final = "summary"
"""The kind of such a notice, and what it is about; it belongs to no problem."""
MOST: Final = 20
"""So many items are named, those with the most first; the rest are counted."""
_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=7)
"""What moved longer ago is in no summary, so that the first one after a long while does not read the whole ledger."""
_MOVED: Final[Mapping[str, frozenset[MovementKind]]] = {
    "Shipped": frozenset({MovementKind.CONSUMPTION}),
    "Received": frozenset({MovementKind.RECEIPT}),
    "Came back": frozenset({MovementKind.RETURN}),
    "Counted and adjusted": frozenset({MovementKind.COUNT, MovementKind.ADJUSTMENT}),
}


class Summary:
    """Puts what is due into the outbox; one daemon does for all that share the store."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        """Take the desk and what config says of notifiers; their times are those of the first channel's place."""
        self._desk = desk
        self._times = {name: one.summary for name, one in settings.notifiers.items() if one.summary is not None}
        self._zone = next((one.rules.time_zone for one in settings.channels.values()), UTC)

    def look(self) -> bool:
        """Tell whose time has come today, and return whether that was anybody; raises StoreUnavailable."""
        if not self._times or not self._desk.store.leads("watch"):
            return False
        now = self._desk.clock.now()
        with self._desk.store.read() as view:
            due = [name for name, at in self._times.items() if self._due(view, name, at, now)]
            notices = [self._notice(view, name, now) for name in due]
        if notices:
            with self._desk.store.write() as work:
                work.save(notices)
        return bool(notices)

    def _day(self, now: datetime) -> str:
        return now.astimezone(self._zone).date().isoformat()

    def _due(self, view: Read, name: str, at: time, now: datetime) -> bool:
        if now < datetime.combine(now.astimezone(self._zone).date(), at, self._zone):
            return False
        kept = {"kind": SUMMARY, "subject": self._day(now), "notifier": name}
        return not view.find(Notice, kept, most=1)

    def _notice(self, view: Read, name: str, now: datetime) -> Notice:
        before = view.find(Notice, {"kind": SUMMARY, "notifier": name}, most=1)
        since = max(before[0].made_at, now - _LONGEST) if before else now - _DAY
        words = "\n".join(said(view, since - SETTLED, now))
        return Notice(0, name, SUMMARY, 0, SUMMARY, self._day(now), words, 1, now, now)


def said(view: Read, since: datetime, now: datetime) -> Iterator[str]:
    """Yield the lines of a summary of what is so now, and of what was booked since then.

    What was booked a moment ago is left to the next one: more of that moment may be committed behind this one.
    """
    moved = {word: Counter[str]() for word in _MOVED}
    for kind, sku, amount in _booked(view, since, now - SETTLED):
        for word, kinds in _MOVED.items():
            if kind in kinds:
                moved[word][sku] += -amount if word == "Shipped" else amount
    for word, sums in moved.items():
        if listed := _listed(sums):
            yield f"{word}: {listed}."
    if not any(sums for sums in moved.values()):
        yield "Nothing moved."
    waits = backlog(view, now)
    if waits.deliveries:
        yield f"Deliveries to be worked: {waits.deliveries}."
    found = ", ".join(f"{count} {state}" for state, count in sorted(open_events(view).items()))
    yield f"Events that wait: {found}." if found else "No event waits."
    open_ = view.totals(Problem, ("kind",), {"state": ProblemState.OPEN})
    kinds_open = ", ".join(f"{total.count} {total.by[0]}" for total in open_)
    yield f"Open problems: {kinds_open}." if kinds_open else "No problem is open."
    owed = _listed({str(t.by[0]): t.amount for t in view.totals(Shortage, ("sku",), {"open": Range(low=1)})})
    yield f"Owed: {owed}." if owed else "Nothing is owed."


def _booked(view: Read, since: datetime, until: datetime) -> Iterator[tuple[MovementKind, str, Quantity]]:
    """Yield what was booked between two moments: of which kind, of which item, how much.

    What is taken back counts against what had been booked: it is of the kind that it reverses.
    """
    ids = Range(first_id(view, Movement, since), first_id(view, Movement, until))
    for total in view.totals(Movement, ("kind", "sku"), {"id": ids}):
        kind, sku = total.by
        if kind is not MovementKind.REVERSAL:
            yield kind, sku, total.amount
    for reversal in every(view, Movement, {"id": ids, "kind": MovementKind.REVERSAL}):
        [reversed_] = view.find(Movement, {"id": reversal.reverses}, most=1)
        yield reversed_.kind, reversal.sku, reversal.quantity


def _listed(sums: Mapping[str, int]) -> str:
    ranked = sorted(((amount, sku) for sku, amount in sums.items() if amount), key=lambda one: (-abs(one[0]), one[1]))
    named = [f"{text(amount)} of {sku}" for amount, sku in ranked[:MOST]]
    more = len(ranked) - len(named)
    return ", ".join(named) + (f", and {counted(more, 'other item', 'other items')}" if more else "")
