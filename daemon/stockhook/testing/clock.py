"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
"""When a ``ManualClock`` starts, and the moment that records made by ``factories`` carry."""


class ManualClock:
    """Tells the time a test has set."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._now = start

    def now(self) -> datetime:
        """Return the moment set, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds advanced since the start."""
        return (self._now - self._start).total_seconds()

    def advance(self, by: timedelta) -> datetime:
        """Move on by so much and return the new moment."""
        self._now += by
        return self._now
