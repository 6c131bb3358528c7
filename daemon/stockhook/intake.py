"""The bounded queue between the webhook's answer and the store: deliveries are committed in groups, then answered.

While one commit runs, what arrives gathers and becomes the next: batches grow just when the disk is slow, without a
timer. Nothing is parsed here.
"""

import asyncio
import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from stockhook import log
from stockhook.buffers import Buffers
from stockhook.clock import Clock
from stockhook.compression import compressed
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.meters import Meters
from stockhook.model import Body, Delivery
from stockhook.store import Arrival, Store

logger = log.get(__name__)

ROWS: Final = 256
BYTES: Final = 8 * 1024 * 1024
"""A commit takes at most so many deliveries, and no further one once it holds so many bytes."""

LARGE: Final = 16 * 1024
"""Bodies over this size are compressed, off the event loop."""

_PIECE: Final = 2047

FAILING: Final = 10.0
"""Seconds for which a failed commit tells senders to stay away; then the next one tries."""

TRY: Final = 5.0
"""Seconds between two looks at whether a commit could be made, while none is."""

DEADLINE: Final = 20.0
"""Seconds a request waits for its commit before it is told to come again; the sender gives up at 30."""


@dataclass(slots=True)
class _Waiting:
    """A delivery in the queue; ``stored`` is done when it is committed, or when that has failed or took too long."""

    arrival: Arrival
    stored: asyncio.Future[int]
    since: float


class Intake:
    """Keeps deliveries; one commit is under way at a time. All methods are called on the event loop."""

    def __init__(self, store: Store, clock: Clock, in_flight: int, meters: Meters | None = None) -> None:
        """Take the store, the clock, how many bytes of bodies may be in memory at once, and what counts commits."""
        self._store = store
        self._clock = clock
        self._budget = in_flight
        self._meters = meters or Meters()
        self._queue: list[_Waiting] = []
        self._group: list[_Waiting] = []
        self._late: asyncio.TimerHandle | None = None
        self._arrived = asyncio.Event()
        self._over = False
        self._append = ThreadPoolExecutor(1, thread_name_prefix="intake")
        # both parts of it let go of the interpreter, so that two bodies take little longer than one
        self._pack = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="compress")
        self.in_flight = 0
        self.committing_since: float | None = None
        self._failed_at: float | None = None
        self._shut = False
        self.buffers = Buffers()
        """Memory for large bodies; what ``keep`` is given of it goes back there."""
        self._outage = log.Outage(logger, "deliveries could not be stored", "deliveries are stored again")
        self._committed_at = self._stored_at = -math.inf
        self.stored: Callable[[], None] = lambda: None
        """Called after each commit."""

    @property
    def failing(self) -> bool:
        """Tell whether no commit could be made: the last one failed, lately, or none could have begun.

        A failure does not count for ever: who stops sending to a daemon that is not ready would never let it try again.
        """
        return self._shut or (self._failed_at is not None and time.monotonic() - self._failed_at < FAILING)

    @property
    def quiet(self) -> float:
        """How many seconds ago a request last waited for a commit; 0 while one does."""
        if self._queue or self.committing_since is not None:
            return 0.0
        return time.monotonic() - self._committed_at

    def reserve(self, size: int) -> bool:
        """Claim room for ``size`` more bytes of a body; False when there is none. Give it back with ``release``."""
        if self.in_flight and self.in_flight + size > self._budget:
            return False
        self.in_flight += size
        return True

    def release(self, size: int) -> None:
        """Give back what was reserved."""
        self.in_flight -= size

    def keep(
        self, channel: str, body: bytes | memoryview, headers: Sequence[tuple[str, str]], peer: str
    ) -> asyncio.Future[int]:
        """Take a delivery; the future is done, with its id, once it is durably stored. Memory comes from ``buffers``.

        It ends with StoreUnavailable when it could not be stored, or not in time: it may be stored all the same, and
        must be sent again.
        """
        loop = asyncio.get_running_loop()
        stored = loop.create_future()
        now = self._clock.now()

        def queue(content: Body) -> None:
            if self._over:
                stored.set_exception(StoreUnavailable("deliveries are not stored any more, the daemon ends"))
                return
            # due at once and not from now on: the clock may be set back
            delivery = Delivery(0, channel, now, peer, tuple(headers), content.digest, content.size)
            self._queue.append(_Waiting(Arrival(delivery, content), stored, time.monotonic()))
            self._arrived.set()
            if self._late is None:
                self._late = loop.call_later(1, self._give_up)

        def packed(done: asyncio.Future[Body]) -> None:
            if isinstance(body, memoryview):
                self.buffers.give(body)
            error = done.exception()
            if error is None:
                queue(done.result())
            else:
                stored.set_exception(StoreUnavailable(f"the body could not be compressed: {error}"))

        if len(body) > LARGE and not self._over:
            loop.run_in_executor(self._pack, _large, body).add_done_callback(packed)
        else:
            queue(Body(_digest(body), "identity", bytes(body), len(body)))
        return stored

    async def run(self) -> None:
        """Commit what arrives until cancelled. Raises StoreBroken: the process must be restarted.

        Whoever waits when it ends, or comes later, is told at once that nothing was stored.
        """
        try:
            while True:
                await self._arrived.wait()
                await self._commit()
                if not self._queue:
                    self._arrived.clear()
        finally:
            self._over = True
            _fail(self._queue, "the daemon ends")
            self._queue = []
            self._append.shutdown(wait=True)
            self._pack.shutdown(wait=True)

    async def look(self) -> None:
        """See again and again whether a commit could begin, until cancelled; raises StoreBroken.

        So who asks whether the daemon is ready knows before a delivery comes, and for as long as it lasts, that
        somebody else keeps the store to himself. It does not stand in the way of what is committed.
        """
        while True:
            await asyncio.sleep(TRY)
            began = time.monotonic()
            if self._stored_at >= began - TRY:
                continue
            try:
                await asyncio.to_thread(self._store.append, ())
            except StoreBroken:
                raise
            except (StoreUnavailable, OSError) as error:
                self._shut = self._stored_at < began
                if self._shut:
                    self._outage.failed(error)
            else:
                self._open()

    def _open(self) -> None:
        """Note that a commit could begin, where none could before."""
        if self._shut:
            self._shut = False
            self._outage.ended()

    async def _commit(self) -> None:
        self._group = group = self._next_group()
        if not group:
            return
        self.committing_since = time.monotonic()
        arrivals = [one.arrival for one in group]
        failing = True
        try:
            ids = await asyncio.get_running_loop().run_in_executor(self._append, self._store.append, arrivals)
            stored = list(zip(group, ids, strict=True))
        except (StoreUnavailable, OSError) as error:
            _fail(group, f"the delivery could not be stored: {error}")
            if isinstance(error, StoreBroken):
                raise
            self._outage.failed(error, deliveries=len(group))
        except BaseException as error:
            _fail(group, f"the delivery could not be stored: {error}")
            raise
        else:
            failing = self._shut = False
            self._stored_at = time.monotonic()
            self._outage.ended()
            for one, number in stored:
                if not one.stored.done():
                    one.stored.set_result(number)
            self.stored()
        finally:
            now = time.monotonic()
            if failing:
                self._meters.commits_failed += 1
            else:
                self._meters.commits.add(now - self.committing_since)
                self._meters.groups.add(len(group))
            self._group = []
            self._failed_at = now if failing else None
            self.committing_since = None
            self._committed_at = now

    def _next_group(self) -> list[_Waiting]:
        rows = total = 0
        for one in self._queue:
            rows += 1
            total += len(one.arrival.body.data)
            if rows >= ROWS or total >= BYTES:
                break
        group, self._queue = self._queue[:rows], self._queue[rows:]
        return group

    def _give_up(self) -> None:
        """Tell those who have waited too long to come again; one timer for all that wait, oldest first."""
        before = time.monotonic() - DEADLINE
        late = [one for one in (*self._group, *self._queue) if one.since < before]
        _fail(late, f"the store has not answered within {DEADLINE:g} s")
        self._queue = [one for one in self._queue if one.since >= before]
        waits = self._group or self._queue
        self._late = asyncio.get_running_loop().call_later(1, self._give_up) if waits else None


def _digest(body: bytes | memoryview) -> bytes:
    """Return the digest of a small body without letting go of the interpreter, as hashlib does for 2 KiB and more.

    To get it back from a busy thread takes many times as long as to hash so little.
    """
    found = hashlib.sha256()
    for at in range(0, len(body), _PIECE):
        found.update(body[at : at + _PIECE])
    return found.digest()


def _large(body: bytes | memoryview) -> Body:
    """Return a large body as it is kept; a thread's work, since even its digest would hold up the event loop."""
    return Body(hashlib.sha256(body).digest(), "zlib", compressed(body), len(body))


def _fail(group: Sequence[_Waiting], words: str) -> None:
    for one in group:
        if not one.stored.done():
            one.stored.set_exception(StoreUnavailable(words))
