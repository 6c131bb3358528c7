"""What the store says for ``/metrics``: each figure by an index on open states or a key, whatever else is kept."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stockhook.model import EventState, Movement, Notice, NoticeState, Problem, ProblemState
from stockhook.operations.backlog import Backlog, backlog, open_events
from stockhook.operations.deliveries import newest_of
from stockhook.settings import Settings
from stockhook.store import Footprint, Measured, Range, Read, Store


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at one moment; ``last`` is when the newest delivery of a channel came, if one ever did."""

    backlog: Backlog
    events: Mapping[EventState, int]
    problems: Mapping[str, int]
    notices: Mapping[str, int]
    last: Mapping[str, datetime]
    movements: Mapping[str, int]
    footprint: Footprint | None


class LedgerCount:
    """Counts movements by kind from when it began, whoever booked them; each look reads only those that are new.

    Ids ascend with the commits, so that nothing turns up behind the last one seen.
    """

    def __init__(self) -> None:
        self._seen: int | None = None
        self._counts: Counter[str] = Counter()
        self._mutex = threading.Lock()

    def look(self, view: Read) -> Mapping[str, int]:
        """Return the counts as of this view. The first look finds the end of the ledger and counts nothing."""
        newest = view.find(Movement, most=1)
        last = newest[0].id if newest else 0
        with self._mutex:
            if self._seen is not None and last > self._seen:
                new = {"id": Range(low=self._seen + 1, high=last + 1)}
                self._counts.update({total.by[0].value: total.count for total in view.totals(Movement, ("kind",), new)})
            self._seen = max(last, self._seen or 0)
            return dict(self._counts)


def stand(store: Store, settings: Settings, ledger: LedgerCount, now: datetime) -> Standing:
    """Return how things stand; raises StoreUnavailable."""
    footprint = store.footprint() if isinstance(store, Measured) else None
    with store.read() as view:
        waiting = {"state": NoticeState.WAITING}
        last = {name: newest_of(view, name) for name in settings.channels}
        return Standing(
            backlog=backlog(view, now),
            events=open_events(view),
            problems=_counts(view, Problem, "kind", {"state": ProblemState.OPEN}),
            notices=_counts(view, Notice, "notifier", waiting),
            last={name: one.received_at for name, one in last.items() if one is not None},
            movements=ledger.look(view),
            footprint=footprint,
        )


def _counts(view: Read, record: type, by: str, where: Mapping[str, object]) -> dict[str, int]:
    return {total.by[0]: total.count for total in view.totals(record, (by,), where)}
