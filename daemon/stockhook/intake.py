"""The bounded queue between the webhook's answer and the store: deliveries are committed in groups, then answered.

While one commit runs, what arrives gathers and becomes the next: batches grow just when the disk is slow, without a
timer. Nothing is parsed here.
"""

import asyncio
import hashlib
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from stockhook import log
from stockhook.clock import Clock
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.model import Body, Delivery
from stockhook.store import Arrival, Store

logger = log.get(__name__)

ROWS: Final = 256
BYTES: Final = 8 * 1024 * 1024
"""A commit takes at most so many deliveries, and no further one once it holds so many bytes."""

LARGE: Final = 16 * 1024
"""Bodies over this size are compressed, off the event loop."""

DEADLINE: Final = 20.0
"""Seconds a request waits for its commit before it is told to come again; the sender gives up at 30."""


class Intake:
    """Keeps deliveries; one commit is under way at a time. All methods are called on the event loop."""

    def __init__(self, store: Store, clock: Clock, in_flight: int) -> None:
        """Take the store, the clock, and how many bytes of bodies may be in memory at once."""
        self._store = store
        self._clock = clock
        self._budget = in_flight
        self._queue: list[tuple[Arrival, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._append = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._compress = ThreadPoolExecutor(1, thread_name_prefix="compress")
        self.in_flight = 0
        self.committing_since: float | None = None
        self.failing = False
        """Whether the last commit could not be made."""
        self.stored: Callable[[], None] = lambda: None
        """Called after each commit."""

    @property
    def waiting(self) -> bool:
        """Tell whether a request waits for a commit."""
        return bool(self._queue) or self.committing_since is not None

    def reserve(self, size: int) -> bool:
        """Claim room for ``size`` more bytes of a body; False when there is none. Give it back with ``release``."""
        if self.in_flight and self.in_flight + size > self._budget:
            return False
        self.in_flight += size
        return True

    def release(self, size: int) -> None:
        """Give back what was reserved."""
        self.in_flight -= size

    async def keep(self, channel: str, body: bytes, headers: Sequence[tuple[str, str]], peer: str) -> None:
        """Return once the delivery is durably stored.

        Raises StoreUnavailable when it could not be stored, or not in time: it may be stored all the same, and must be
        sent again.
        """
        digest = hashlib.sha256(body).digest()
        size = len(body)
        if size > LARGE:
            loop = asyncio.get_running_loop()
            packed = await loop.run_in_executor(self._compress, zlib.compress, body, 1)
            content = Body(digest, "zlib", packed, size)
        else:
            content = Body(digest, "identity", body, size)
        now = self._clock.now()
        delivery = Delivery(0, channel, now, peer, tuple(headers), digest, size, due_at=now)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((Arrival(delivery, content), stored))
        self._arrived.set()
        try:
            await asyncio.wait_for(stored, DEADLINE)
        except TimeoutError:
            raise StoreUnavailable(f"the store has not answered within {DEADLINE:g} s") from None

    async def run(self) -> None:
        """Commit what arrives until cancelled. Raises StoreBroken: the process must be restarted."""
        try:
            while True:
                await self._arrived.wait()
                await self._commit()
                if not self._queue:
                    self._arrived.clear()
        finally:
            self._append.shutdown(wait=True)
            self._compress.shutdown(wait=True)

    async def drain(self) -> None:
        """Return once nothing waits for a commit any more."""
        while self.waiting:  # noqa: ASYNC110 - only at the end of the process
            await asyncio.sleep(0.005)

    async def _commit(self) -> None:
        group = self._next_group()
        self.committing_since = time.monotonic()
        arrivals = [arrival for arrival, _ in group]
        failing = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._append, self._store.append, arrivals)
        except (StoreUnavailable, OSError) as error:
            _fail(group, error)
            if isinstance(error, StoreBroken):
                raise
            logger.error("deliveries could not be stored", deliveries=len(group), error=str(error))  # noqa: TRY400
        except BaseException as error:
            _fail(group, error)
            raise
        else:
            failing = False
            for _, stored in group:
                if not stored.done():
                    stored.set_result(None)
            self.stored()
        finally:
            self.failing = failing
            self.committing_since = None

    def _next_group(self) -> list[tuple[Arrival, asyncio.Future[None]]]:
        rows = total = 0
        for arrival, _ in self._queue:
            rows += 1
            total += len(arrival.body.data)
            if rows >= ROWS or total >= BYTES:
                break
        group, self._queue = self._queue[:rows], self._queue[rows:]
        return group


def _fail(group: Sequence[tuple[Arrival, asyncio.Future[None]]], error: BaseException) -> None:
    for _, stored in group:
        if not stored.done():
            stored.set_exception(StoreUnavailable(f"the delivery could not be stored: {error}"))
