"""What a daemon does by the clock, beside the loops of section 2 of the design: sweeps, prunes, looks at its disk."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final

from stockhook import log
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.operations.answers import forget_answers
from stockhook.operations.desk import Desk
from stockhook.operations.due import sweep
from stockhook.operations.log_outs import forget_log_outs
from stockhook.settings import Settings
from stockhook.store import Measured
from stockhook.summary import Summary
from stockhook.watch import Watch

logger = log.get(__name__)

SWEEP: Final = 60.0
PRUNE: Final = 3600.0
PRUNE_STEP: Final = 20
PRUNE_PAUSE: Final = 0.2
WATCH: Final = 60.0
LOOK: Final = 5.0
"""Seconds between two looks at how much the disk has left."""


class Upkeep:
    """The jobs of one daemon; those that are one daemon's for all that share the store ask it whether it leads."""

    def __init__(
        self, desk: Desk, settings: Settings, watch: Watch, wake: Callable[[], None], told: Callable[[], None]
    ) -> None:
        """Take what the jobs work with.

        ``wake`` is called when one has made orders due, ``told`` when one has put notices into the outbox.
        """
        self._desk = desk
        self._store = settings.store
        self._payload_days = settings.payload_days
        self._disk_free = settings.limits.disk_free
        self._watch = watch
        self._summary = Summary(desk, settings)
        self._wake = wake
        self._told = told
        self._measured = True
        self._watching = asyncio.Lock()
        self.disk_low = False
        """Whether the disk had less room at the last look than config wants."""

    def loops(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """Return the loops of the jobs by name; none ends by itself."""
        return {
            "sweeper": _every(SWEEP, self.sweep),
            "pruner": _every(PRUNE, self.prune),
            "disk": _every(LOOK, self.look),
            "watch": _every(WATCH, self.watch, wait=True),
        }

    async def sweep(self) -> None:
        """Make due what waits for a code that resolves by now: the poll behind every wake-up."""
        if not await asyncio.to_thread(self._store.leads, "sweep"):
            return
        if await asyncio.to_thread(sweep, self._desk):
            self._wake()

    async def prune(self) -> None:
        """Remove answers to programs, log-outs and payloads past their time, so that nothing waits behind it."""
        if not await asyncio.to_thread(self._store.leads, "prune"):
            return
        await asyncio.to_thread(forget_answers, self._desk)
        await asyncio.to_thread(forget_log_outs, self._desk)
        if self._payload_days is None:
            return
        before = self._desk.clock.now() - timedelta(days=self._payload_days)
        removed = 1
        while removed:
            removed = await asyncio.to_thread(self._store.prune, before, PRUNE_STEP)
            await asyncio.sleep(PRUNE_PAUSE)

    async def look(self) -> None:
        """See how much the disk has left, where the store knows that."""
        if not self._measured or not isinstance(self._store, Measured):
            return
        try:
            free = (await asyncio.to_thread(self._store.footprint)).free
        except OSError as error:
            raise StoreUnavailable(f"its disk cannot be looked at: {error.strerror}") from error
        if free is None:
            self._measured = False
            return
        low = free < self._disk_free
        if low and not self.disk_low:
            logger.warning("disk is low", free=free, wanted=self._disk_free, option="limits.disk_free")
        elif self.disk_low and not low:
            logger.info("disk has room again", free=free)
        changed, self.disk_low = low is not self.disk_low, low
        if changed:
            await self.watch()

    async def watch(self) -> None:
        """Tell of what no single event tells, and once a day of everything; one call at a time, or each told it."""
        async with self._watching:
            changed = await asyncio.to_thread(self._watch.look)
            if await asyncio.to_thread(self._summary.look) or changed:
                self._told()


async def _every(seconds: float, do: Callable[[], Coroutine[Any, Any, None]], *, wait: bool = False) -> None:
    """Do it again and again; ``wait`` before the first time, too: a daemon that was away has to catch up first."""
    if wait:
        await asyncio.sleep(seconds)
    while True:
        try:
            await do()
        except StoreBroken:
            raise
        except StoreUnavailable as error:
            logger.warning("put off", what=do.__name__, error=str(error))
        await asyncio.sleep(seconds)
