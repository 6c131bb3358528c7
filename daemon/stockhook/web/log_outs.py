"""Log-outs, kept in the store: a restart knows of them, and so do the other daemons that share it."""

import asyncio
from typing import Final

from stockhook import log
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.operations.desk import Desk
from stockhook.operations.log_outs import keep_log_outs, logged_out
from stockhook.web.access import Access
from stockhook.web.threads import Threads

logger: Final = log.get(__name__)


class LogOuts:
    """Brings the log-outs that ``access`` knows of into the store, and those of the store to ``access``.

    A log-out holds in its own daemon at once, whatever the store does; without a password there are none. It is written
    in ``threads``, or in those of the daemon's loops.
    """

    def __init__(self, access: Access, desk: Desk, threads: Threads | None = None) -> None:
        self._access = access
        self._desk = desk
        self._threads = threads
        self._behind = True

    async def keep(self) -> None:
        """Write those down that are not in the store yet; where that fails, ``follow`` tries again."""
        ended = tuple(self._access.unkept)
        if not ended:
            return
        try:
            if self._threads is None:
                await asyncio.to_thread(keep_log_outs, self._desk, ended)
            else:
                await self._threads.run(lambda: keep_log_outs(self._desk, ended))
        except StoreUnavailable as error:
            logger.warning("log-out not kept yet", error=str(error))
        else:
            self._access.unkept.difference_update(ended)

    async def follow(self, *, changed: bool = True) -> None:
        """Keep what could not be kept before, and read what others have kept, if the store has ``changed`` since.

        Raises StoreBroken; a store that is unavailable is asked again the next time.
        """
        self._behind |= changed
        if not self._access.guarded:
            return
        await self.keep()
        if self._behind:
            try:
                self._access.recall(await asyncio.to_thread(logged_out, self._desk))
            except StoreBroken:
                raise
            except StoreUnavailable:
                return
            self._behind = False
