"""What a running daemon counts and times: plain numbers, added to where things happen, read by ``/metrics``.

To add to one costs a fraction of a microsecond, so that the answer path does not notice. They begin at 0 with each
daemon; what must outlast it is asked of the store.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from stockhook.model import NEW, Event, EventState

TIMES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds up to which commits and batches are told apart."""
WAITS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 21600.0)
"""Seconds up to which it is told apart how long events waited."""
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Sizes up to which groups of deliveries and batches are told apart."""


class Distribution:
    """How many values were at most each of ``bounds``, how many were more, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


@dataclass(slots=True)
class Meters:
    """Each is written by one thread alone, and read by any.

    ``stored`` deliveries were answered with 200, ``refused`` counts the other answers to webhooks by their status.
    ``commits`` are the seconds of each commit of deliveries, ``groups`` how many it held, ``commits_failed`` those that
    could not be made. ``batches`` are the seconds of each of the worker's batches, ``batch_events`` how many events
    and orders it settled; ``events`` counts what became of events by channel and state, ``event_waits`` are the seconds
    from the receipt of an event to its outcome where the first try had one, ``retries`` counts those to be tried again.
    ``notices`` counts tries of notices by notifier and outcome.
    """

    stored: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    commits: Distribution = field(default_factory=lambda: Distribution(TIMES))
    groups: Distribution = field(default_factory=lambda: Distribution(SIZES))
    commits_failed: int = 0
    batches: Distribution = field(default_factory=lambda: Distribution(TIMES))
    batch_events: Distribution = field(default_factory=lambda: Distribution(SIZES))
    events: Counter[tuple[str, EventState]] = field(default_factory=Counter)
    event_waits: Distribution = field(default_factory=lambda: Distribution(WAITS))
    retries: int = 0
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)

    def settled(self, events: Iterable[Event]) -> None:
        """Count what became of events in one batch that has been committed."""
        for event in events:
            if event.state is EventState.PENDING:
                self.retries += 1
                continue
            self.events[event.channel, event.state] += 1
            first = not 0 < event.id < NEW  # a new event has no id yet
            if first and event.finished_at is not None:
                self.event_waits.add(max((event.finished_at - event.received_at).total_seconds(), 0.0))
