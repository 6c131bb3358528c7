"""The loop of the worker: a thread of its own, woken when there is work, that gives way to requests."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from stockhook import log
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.worker import Worker

logger = log.get(__name__)

QUIET: Final = 0.002
"""Seconds for which no request has waited before the next batch begins: where many send, there is no gap so long."""

REST: Final = 1.0
"""Seconds after which one that had nothing to do looks again, though nobody woke it."""


class WorkerLoop:
    """Runs a worker in a thread of its own, wakes it, and has it give way to requests that wait for a commit."""

    def __init__(self, worker: Worker, quiet: Callable[[], float], booked: Callable[[], None]) -> None:
        """Take the worker, what tells how long ago a request last waited, and what to call after each batch."""
        self._worker = worker
        self._quiet = quiet
        self._booked = booked
        self._wake = asyncio.Event()
        self._rested = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="worker")
        self._outage = log.Outage(logger, "store unavailable, worker waits", "worker goes on")

    def wake(self) -> None:
        """Look for work now; called on the event loop."""
        self._wake.set()

    async def at_rest(self) -> None:
        """Return once there was nothing to do: what waited while no daemon ran has been worked."""
        await self._rested.wait()

    async def run(self) -> None:
        """Work until cancelled. Raises StoreBroken: the process must be restarted."""
        loop = asyncio.get_running_loop()
        pause = 0.0
        try:
            while True:
                await self._give_way(pause)
                self._wake.clear()
                began = time.monotonic()
                try:
                    worked = await loop.run_in_executor(self._thread, self._worker.step)
                    self._outage.ended()
                    if not worked:
                        self._rested.set()
                except StoreBroken:
                    raise
                except StoreUnavailable as error:
                    self._outage.failed(error)
                    worked = 0
                pause = time.monotonic() - began
                if worked:
                    self._booked()
                else:
                    await self._sleep(REST)
        finally:
            self._thread.shutdown(wait=True)

    async def _give_way(self, last_batch: float) -> None:
        """Wait while requests wait for a commit, but no longer than seven times what the last batch took.

        Under a load that never ends the worker so still gets an eighth of the time: what arrives is worked, and an
        answer is never far behind.
        """
        ends = time.monotonic() + min(7 * last_batch, 2.0)
        while self._quiet() < QUIET and time.monotonic() < ends:  # noqa: ASYNC110 - an event would cost the answer path
            await asyncio.sleep(0.001)

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
