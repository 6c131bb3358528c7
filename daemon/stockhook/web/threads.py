"""Threads of the admin listener's own: what is slow there holds up neither the daemon's loops nor its probes."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

from stockhook.errors import StoreUnavailable

R = TypeVar("R")

PATIENCE: Final = 30.0
"""Seconds that a call may wait for a thread: whoever asked has given up by then, and nothing more is to be booked."""


def _never() -> bool:
    return False


class Threads:
    """A few threads, and a bound on how much may wait for them; all methods are called on the event loop."""

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        """Take the threads' name, how many there are, and how many calls may wait for one."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + waiting
        self._calls = 0

    @property
    def crowded(self) -> bool:
        """Tell whether so many calls run or wait that none should be added."""
        return self._calls >= self._most

    async def run(self, work: Callable[[], R], *, begun: bool = False, ending: Callable[[], bool] = _never) -> R:
        """Run ``work`` in a thread, with the context of the caller.

        Raises StoreUnavailable where it is crowded, no thread was free in time, or ``ending`` tells by then that the
        daemon ends. What has ``begun`` goes on all the same: it is the next piece of an answer of which some has been
        sent. What raises StopIteration raises RuntimeError here.
        """
        if self.crowded and not begun:
            raise StoreUnavailable(f"{self._calls} requests are answered or wait already")
        until = math.inf if begun else time.monotonic() + PATIENCE

        def in_time() -> R:
            if not begun and ending():
                raise StoreUnavailable("the daemon is stopping")
            if time.monotonic() > until:
                raise StoreUnavailable(f"nothing was free for {PATIENCE:g} s to see to it")
            try:
                return work()
            except StopIteration as error:  # no future takes one: whoever waits would wait for ever
                raise RuntimeError("StopIteration") from error

        done = asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, in_time)
        self._calls += 1
        done.add_done_callback(self._ended)
        return await done

    def _ended(self, _: asyncio.Future[R]) -> None:
        self._calls -= 1
