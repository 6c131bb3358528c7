"""Threads of the admin listener's own: what is slow there holds up neither the daemon's loops nor its probes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from stockhook.errors import StoreUnavailable

R = TypeVar("R")


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

    async def run(self, work: Callable[[], R], *, begun: bool = False) -> R:
        """Run ``work`` in a thread, with the context of the caller; raises StoreUnavailable where it is crowded.

        What has ``begun`` is let go on all the same: it is the next piece of an answer of which some has been sent.
        """
        if self.crowded and not begun:
            raise StoreUnavailable(f"{self._calls} requests are answered or wait already")
        done = asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)
        self._calls += 1
        done.add_done_callback(self._ended)
        return await done

    def _ended(self, _: asyncio.Future[R]) -> None:
        self._calls -= 1
