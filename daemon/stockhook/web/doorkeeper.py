"""Checks passwords, one at a time and off the event loop: each check takes 64 MiB of memory, by intent."""

from typing import Final

from stockhook.clock import Clock
from stockhook.password import matches
from stockhook.web.threads import Threads
from stockhook.web.throttle import Throttle

_MOST_WAITING: Final = 8
"""Log-ins that may wait for the one that is checked; more are sent away."""


class Doorkeeper:
    """Compares passwords with the one that is configured; ``throttle`` knows who was wrong too often."""

    def __init__(self, clock: Clock) -> None:
        self.throttle = Throttle(clock)
        self._one = Threads("password", 1, _MOST_WAITING)

    @property
    def crowded(self) -> bool:
        """Tell whether so many wait that no one should be added."""
        return self._one.crowded

    async def knows(self, password_hash: str, password: str) -> bool:
        """Tell whether the password is the one of this hash; raises StoreUnavailable where it is ``crowded``."""
        return await self._one.run(lambda: matches(password_hash, password))
