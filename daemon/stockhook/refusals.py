"""Counts refused deliveries of each channel, until a person should hear of them. All times are monotonic seconds."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

FEW: Final = 5
SOON: Final = 600.0
"""So many requests with the right path and wrong credentials, within so many seconds: the store's own, most likely."""
MANY: Final = 100
LATER: Final = 3600.0
"""So many refusals of any kind, within so many seconds: somebody tries."""
KEPT: Final = 100
"""Alarms that are kept while they cannot be told: further ones say nothing new."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What has been reached: so many refusals of one channel; ``right_path``: with its token, which few know."""

    channel: str
    count: int
    right_path: bool


@dataclass(slots=True)
class _Channel:
    right_path: deque[float] = field(default_factory=lambda: deque(maxlen=FEW))
    all: deque[float] = field(default_factory=lambda: deque(maxlen=MANY))


class Refusals:
    """Written on the event loop; ``take`` and ``put_back`` may be called in a thread."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}
        self._alarms: list[Alarm] = []

    def refused(self, channel: str, now: float, *, right_path: bool) -> None:
        """Count a refused request to a channel of the config; a count that sets off an alarm begins anew."""
        counted = self._channels.setdefault(channel, _Channel())
        for times, most, seconds in ((counted.right_path, FEW, SOON), (counted.all, MANY, LATER)):
            if times is counted.right_path and not right_path:
                continue
            times.append(now)
            if len(times) == most and now - times[0] <= seconds:
                times.clear()
                self._alarms.append(Alarm(channel, most, times is counted.right_path))

    def accepted(self, channel: str) -> None:
        """Forget the refusals with the right path: what came now had the right credentials."""
        if channel in self._channels:
            self._channels[channel].right_path.clear()

    def take(self) -> list[Alarm]:
        """Return the alarms since the last call."""
        taken, self._alarms = self._alarms, []
        return taken

    def put_back(self, alarms: Sequence[Alarm]) -> None:
        """Keep alarms that could not be told for the next ``take``, the oldest ones where they are many."""
        self._alarms[:0] = alarms
        del self._alarms[KEPT:]
