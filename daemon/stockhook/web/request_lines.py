"""Lines of log for requests to webhooks, gathered and told a few times a second: one by itself costs ten times more."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Final, TypeAlias

from stockhook import log

logger = log.get(__name__)
_LEVEL: Final = logging.getLogger(__name__)

EVERY: Final = 0.1
"""Seconds for which lines are gathered."""

_Answer: TypeAlias = tuple[float, str, str | None, int, float, int | None]


class RequestLines:
    """Gathers a line for each answer, at the level info; ``add`` and ``close`` are called on the event loop."""

    def __init__(self) -> None:
        self._answers: list[_Answer] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, method: str, channel: str | None, status: int, began: float, delivery: int | None) -> None:
        """Take an answer; ``began`` is when the request's headers came, on the monotonic clock.

        ``channel`` is None where no channel was asked for, ``delivery`` where none was stored.
        """
        if not _LEVEL.isEnabledFor(logging.INFO):  # to ask structlog would take longer than all the rest
            return
        self._answers.append((time.time(), method, channel, status, time.monotonic() - began, delivery))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._tell)

    def close(self) -> None:
        """Tell what has been gathered; no more should be added."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell()

    def _tell(self) -> None:
        """Tell the lines, by their route, since an address holds the channel's secret."""
        answers, self._answers, self._timer = self._answers, [], None
        lines = [
            {
                "time": datetime.fromtimestamp(at, UTC),
                "method": method,
                "channel": channel,
                "route": "/webhooks/CHANNEL/TOKEN" if channel else None,
                "status": status,
                "ms": round(1000 * seconds, 1),
                "delivery": delivery,
            }
            for at, method, channel, status, seconds, delivery in answers
        ]
        log.tell_each(logger, "request", lines, listener="server")
