"""Lines of log for requests to webhooks, gathered and written a few times a second: no sender waits for the log."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, TypeAlias

from stockhook import log

logger = log.get(__name__)
_LEVEL: Final = logging.getLogger(__name__)

EVERY: Final = 0.1
"""Seconds for which lines are gathered."""

MOST: Final = 20_000
"""Lines that may wait while what they are written to takes none; further ones are only counted."""

_Answer: TypeAlias = tuple[float, str, str | None, int, float, int | None]


class RequestLines:
    """Gathers a line for each answer, at the level info; ``add`` and ``close`` are called on the event loop.

    They are written by a thread, so that a log that is full or slow holds up no delivery.
    """

    def __init__(self) -> None:
        self._answers: list[_Answer] = []
        self._left_out = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request lines")
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None

    def add(self, method: str, channel: str | None, status: int, began: float, delivery: int | None) -> None:
        """Take an answer; ``began`` is when the request's headers came, on the monotonic clock.

        ``channel`` is None where no channel was asked for, ``delivery`` where none was stored.
        """
        if not _LEVEL.isEnabledFor(logging.INFO):  # to ask structlog would take longer than all the rest
            return
        if len(self._answers) >= MOST:
            self._left_out += 1
            return
        self._answers.append((time.time(), method, channel, status, time.monotonic() - began, delivery))
        if self._timer is None and self._writing is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._begin)

    async def close(self) -> None:
        """Write what has been gathered, and return when it is written; no more may be added."""
        if self._timer is not None:
            self._timer.cancel()
        await self._write()
        self._thread.shutdown()

    def _begin(self) -> None:
        self._timer = None
        self._writing = self._write()
        self._writing.add_done_callback(self._written)

    def _write(self) -> "asyncio.Future[None]":
        answers, left_out = self._answers, self._left_out
        self._answers, self._left_out = [], 0
        return asyncio.get_running_loop().run_in_executor(self._thread, _tell, answers, left_out)

    def _written(self, _: "asyncio.Future[None]") -> None:
        self._writing = None
        if self._answers:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._begin)


def _tell(answers: Sequence[_Answer], left_out: int) -> None:
    """Write the lines; by their route, since an address holds the channel's secret."""
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
    if left_out:
        logger.warning("lines of requests left out, the log was too slow for them", lines=left_out)
