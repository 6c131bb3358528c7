"""What the daemons on one PostgreSQL database tell each other: that something has changed, and who runs which job."""

import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg

from stockhook_plugins.stores.sqlalchemy.postgres_stuck import StuckSessions
from stockhook_plugins.stores.sqlalchemy.statements import JOBS

CHANNEL: Final = "stockhook"
_OFTEN: Final = 0.2  # seconds between two rings, at least: a ring is a commit of its own

FORGOTTEN: Final = 150.0
"""Seconds after which a process that does not ask for its jobs loses them; one that is well asks once a minute."""


class _Aside:
    """A connection apart from the others, made when it is needed, by one thread at a time."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._mutex = threading.Lock()
        self._connection: Any = None

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _tried(self, do: Callable[[], bool]) -> bool:
        """Do it, and once more on a new connection if the old one turns out to be gone."""
        again = self._connection is not None
        try:
            return do()
        except psycopg.OperationalError:
            self._drop()
            if not again:
                raise
        except BaseException:
            self._drop()
            raise
        return self._tried(do)


class Bell(_Aside):
    """Rings for the others when something was written here, hears them, and frees them from who stands still.

    A ring that is lost is no harm: everyone looks again once a second.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        super().__init__(connect)
        self._to_ring = False
        self._rung_at = 0.0
        self._stuck = StuckSessions()
        self._heard = 0
        self._followed = False
        self._over = False

    def ring(self) -> None:
        """Tell the others soon that something was written."""
        self._to_ring = True

    def heard(self) -> int:
        """Return how often another process has rung."""
        return self._heard

    def listen(self, seconds: float) -> bool:
        """Ring if there is something to tell, listen for at most ``_OFTEN`` or ``seconds``, and tell if one rang."""
        with self._mutex:
            if self._over:
                return False
            return self._tried(lambda: self._listen(min(seconds, _OFTEN)))

    def _listen(self, seconds: float) -> bool:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute(f"LISTEN {CHANNEL}")
            if self._followed:
                self._heard += 1  # what was rung while nobody listened
            self._followed = True
        self._ring()
        self._stuck.end(self._connection)
        mine = self._connection.info.backend_pid
        heard = [one for one in self._connection.notifies(timeout=seconds, stop_after=1) if one.pid != mine]
        self._heard += len(heard)
        return bool(heard)

    def _ring(self) -> None:
        if self._to_ring and time.monotonic() - self._rung_at >= _OFTEN:
            self._to_ring = False
            self._rung_at = time.monotonic()
            try:
                self._connection.execute(f"NOTIFY {CHANNEL}")
            except psycopg.Error:
                self._to_ring, self._rung_at = True, 0.0
                raise

    def close(self) -> None:
        """Ring a last time, as a command does that ends after its one change."""
        with self._mutex:
            if self._to_ring:
                with suppress(Exception):  # the others look by themselves as well
                    self._drop()
                    self._connection = self._connect()
                    self._rung_at = 0.0
                    self._ring()
            self._over = True
            self._drop()


class Jobs(_Aside):
    """The jobs that one process at a time does for all; who has begun one keeps it as long as its connection lasts.

    The server ends the connection of one that does not ask any more: it is stopped, and its jobs are for others.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        super().__init__(connect)
        self._mine: set[str] = set()

    def leads(self, job: str) -> bool:
        """Tell whether this process does ``job``; raises what the driver raises while the server is away."""
        with self._mutex:
            return self._tried(lambda: self._leads(job))

    def _leads(self, job: str) -> bool:
        if self._connection is None:
            self._connection = self._connect()
            self._mine = set()
            self._connection.execute(f"SET idle_session_timeout = {FORGOTTEN * 1000:.0f}")
        if job in self._mine:
            self._connection.execute("SELECT 1")  # fails when the connection, and the lock with it, is gone
            return True
        number = zlib.crc32(job.encode()) - 2**31
        [got] = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (JOBS, number)).fetchone()
        if got:
            self._mine.add(job)
        return bool(got)

    def close(self) -> None:
        """Leave all jobs to others."""
        with self._mutex:
            self._drop()
