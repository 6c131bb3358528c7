"""One SQLite file: how it is opened, who may write when, and its write-ahead log (reliability.md 3, design.md 9)."""

import ctypes
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

from stockhook.plugin import Progress, StoreBroken, StoreUnavailable
from stockhook_plugins.stores.claims import Claims
from stockhook_plugins.stores.sqlalchemy import statements
from stockhook_plugins.stores.sqlalchemy.database import driver, rows
from stockhook_plugins.stores.sqlalchemy.faults import Faults
from stockhook_plugins.stores.sqlalchemy.locks import ANSWER, PATIENCE, FileLock, Turn, opened, served
from stockhook_plugins.stores.sqlalchemy.sqlite_unit import FileUnit
from stockhook_plugins.stores.sqlalchemy.wal import Log

_MIB: Final = 1 << 20
_TOGETHER: Final = 32  # rows in one statement, at most
LATELY: Final = 2.0  # seconds since the last delivery after which no sender is likely to wait behind a large fold
IDLE: Final = 3.0  # seconds without a write after which the log is folded in
_SETTINGS: Final = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a commit is on the disk when it returns (promise 1)
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "wal_autocheckpoint": 0,  # checkpoints run under our lock alone: SQLite before 3.51.3 can corrupt otherwise
    "trusted_schema": 0,
    "cell_size_check": 1,
    "journal_size_limit": 32 * _MIB,
    "cache_size": -16384,  # KiB; the default of 2 MiB is read anew for every batch
}
_INCREMENTAL: Final = 2
_LAST_IDS: Final = "SELECT name, seq FROM sqlite_sequence"
_PAGES_BACK: Final = 256  # freed pages that one commit hands back to the file system
_BREATH: Final = 0.01  # seconds in which others come in between two of those
_KNOWN: Final = b"a stockhook store is beside this file\n"


class FileDatabase:
    """The connections to one file: one that writes, by one thread at a time, and a few that read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.sql = statements.for_sqlite()
        self.faults = Faults(path)
        self.translated = self.faults.translated
        self._claims = Claims()
        self._serving: FileLock | None = None
        self._asking = threading.Lock()
        self._version = self._changes = 0
        self._lock = FileLock(path.with_name(path.name + ".write"))
        self._turn = Turn(self._lock)
        self._mutex = threading.Lock()  # around the writing connection; taken by who has the turn, or to look
        self._log = Log(path)
        self._holder = 0
        self._written = time.monotonic()
        self._commit = 0.0  # seconds that the last one took
        self._appended = 0.0
        self._writer: Connection | None = None
        self._engines: list[Engine] = []

    # --- opening and closing

    def open(self) -> None:
        """Connect and prove that commits last."""
        self._lock.open()
        with self._lock.held():
            self._refuse_lost_file()
            self._engines = [self._writing_engine(), self._reading_engine()]
            self._refuse_other_file()
            with self.translated():
                self._writer = self._engines[0].connect()
        self._version = self._data_version()

    def mark(self) -> None:
        """Remember beside the file that a store is in it."""
        if self._lock.note() == _KNOWN:
            return
        self._lock.write_note(_KNOWN)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # the names of new files last only with their folder
        finally:
            os.close(folder)

    def close(self) -> None:
        """Fold the log in and close all connections, the writing one last."""
        for engine in self._engines[1:]:
            engine.dispose()
        if self._writer is not None and self.faults.broken:
            self._leave_open()
        elif self._writer is not None:
            with suppress(StoreUnavailable), self._turn.taken(), self._mutex, self.translated():
                self._log.empty(self._raw())
                self._writer.close()
                self._engines[0].dispose()
        self._writer, self._engines = None, []
        self._lock.close()
        if self._serving is not None:
            self._serving.close()
            self._serving = None

    def _leave_open(self) -> None:
        """Keep the writing connection until the process ends, since SQLite folds the log in when the last one closes.

        What is read of the log after a failed sync may be older than what SQLite believes is there.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._raw()))

    def _refuse_lost_file(self) -> None:
        """Never start afresh where a store was: an empty or missing file is a loss to be looked at."""
        handle = opened(self.path)
        size = os.fstat(handle).st_size
        os.close(handle)
        if size == 0 and (self._lock.note() == _KNOWN or self._log.size()):
            self.path.unlink()
            raise StoreBroken(
                f"{self.path} is empty or gone, but a store was there. Restore a backup; or, to start with an empty "
                f"store, remove {self._lock.path} and {self._log.path}"
            )

    def _refuse_other_file(self) -> None:
        """Look closer at a file that is younger than the log beside it, before anything of the log is folded in.

        Either folding was cut short, or somebody has put another file there, and the log is none of it.
        """
        if not self._log.size() or self.path.stat().st_ctime_ns <= self._log.path.stat().st_ctime_ns:
            return
        if (damage := self.damage()) is not None:
            raise StoreBroken(
                f"{self.path} and the log beside it do not belong together, or are damaged: {damage}. Restore a "
                f"backup, and remove {self._log.path.name} and {self.path.name}-shm, which belong to the file before it"
            )

    def _writing_engine(self) -> Engine:
        def connect() -> sqlite3.Connection:
            raw = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=256)
            self._prove(raw)
            # what is removed is overwritten, but for whole pages: pruning hands those back to the file system
            raw.execute("PRAGMA secure_delete=FAST")
            return raw

        engine = create_engine("sqlite://", creator=connect, hide_parameters=True, poolclass=StaticPool)
        event.listen(engine, "begin", _begin_immediate)
        return engine

    def _reading_engine(self) -> Engine:
        def connect() -> sqlite3.Connection:
            uri = f"file:{quote(str(self.path.absolute()))}?mode=ro"
            raw = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256)
            for pragma in ("query_only=1", "busy_timeout=5000", "trusted_schema=0", "cell_size_check=1"):
                raw.execute(f"PRAGMA {pragma}")
            return raw

        engine = create_engine(
            "sqlite://", creator=connect, hide_parameters=True, poolclass=QueuePool, pool_size=4, max_overflow=12
        )
        event.listen(engine, "begin", _begin)
        return engine

    def _prove(self, raw: sqlite3.Connection) -> None:
        """Set what durability rests on, and read it back: builds of SQLite differ in what they allow."""
        raw.execute("PRAGMA busy_timeout=5000")
        if raw.execute("PRAGMA page_count").fetchone()[0] == 0:
            raw.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
        for name, value in _SETTINGS.items():
            raw.execute(f"PRAGMA {name}={value}")
            [found] = raw.execute(f"PRAGMA {name}").fetchone()
            if found != value:
                raise StoreUnavailable(
                    f"{self.path}: PRAGMA {name} is {found}, not {value}; without it a commit may be lost. "
                    "Is the file on a network file system, or this SQLite built in a special way?"
                )

    # --- transactions

    @contextmanager
    def writing(self, patience: float = PATIENCE, *, folds: bool = True) -> Iterator[Connection]:
        """Hold the one write transaction; it commits at the end of the block and rolls back on an exception.

        Raises StoreUnavailable when it is not this thread's turn for ``patience`` seconds. Who ``folds`` has time to
        see to the write-ahead log afterwards.
        """
        if self._holder == threading.get_ident():
            raise StoreUnavailable(f"this thread writes to {self.path} already; it must do so through the Work it has")
        with self._turn.taken(patience), self._mutex, self._holding():
            self.faults.check()
            if self._writer is None:
                raise StoreUnavailable(f"{self.path} is not open")
            with self._transaction(self._writer):
                yield self._writer
            self._written = time.monotonic()
            along = folds and self._written - self._appended < LATELY
            with self.translated():
                self._log.tend(self._raw(), along=along, commit=self._commit)

    def appending(self) -> AbstractContextManager[Connection]:
        """Hold the write transaction for deliveries, whose senders wait."""
        self._appended = time.monotonic()
        return self.writing(ANSWER, folds=False)

    def try_appending(self) -> None:
        """Have one's turn to write, and write nothing."""
        with self._turn.taken(ANSWER):
            self.faults.check()

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self._holder = threading.get_ident()
        try:
            yield
        finally:
            self._holder = 0

    @contextmanager
    def _transaction(self, writer: Connection) -> Iterator[None]:
        with self.translated():
            transaction = writer.begin()
        try:
            yield
            began = time.monotonic()
            with self.translated():
                transaction.commit()
            self._commit = time.monotonic() - began
        except BaseException:
            with suppress(StoreUnavailable), self.translated():
                transaction.rollback()
                if self._raw().in_transaction:
                    self._raw().rollback()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold one consistent view."""
        if not self._engines:
            raise StoreUnavailable(f"{self.path} is not open")
        with self.translated():
            connection = self._engines[1].connect()
        with connection:
            with self.translated():
                connection.begin()
            yield connection

    @contextmanager
    def unit(self) -> Iterator[FileUnit]:
        """Open a unit of work, which takes the write transaction at its first write."""
        with FileUnit(self, self._claims).running() as unit:
            yield unit

    # --- rows

    def numbers(self, connection: Connection) -> "LastIds":
        """Return what gives ids: nobody else can give one while this transaction writes."""
        return LastIds(dict(rows(connection, _LAST_IDS)))

    def write(self, connection: Connection, statement: str, found: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        if found:
            driver(connection).executemany(statement, found)

    def queued(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002 - there is no waiting
        """Do nothing: every statement is done when it returns."""
        return nullcontext()

    def add(self, connection: Connection, record: type[Any], found: Sequence[Sequence[Any]]) -> None:
        """Insert many rows with each statement: that costs two thirds of a statement for each of them."""
        self.write_together(connection, self.sql.add(record), found)

    def put(self, connection: Connection, record: type[Any], found: Sequence[Sequence[Any]]) -> None:
        """Insert or replace rows one after the other."""
        self.write(connection, self.sql.put(record), found)

    def write_together(self, connection: Connection, statement: str, found: Sequence[Sequence[Any]]) -> None:
        """Write rows with few statements, each of many rows.

        SQLite hands the interpreter over at every statement, and gets it back only when a busy worker lets go: for the
        rows that a sender waits for, one statement a row would be that many waits.
        """
        at, size = 0, _TOGETHER
        while at < len(found):
            while size > len(found) - at:
                size //= 2
            driver(connection).execute(
                statements.of_rows(statement, size), list(chain.from_iterable(found[at : at + size]))
            )
            at += size

    # --- what others do

    def changes(self) -> int:
        """Return how often another process was found to have changed the file."""
        with self._asking:
            version = self._data_version()
            if version != self._version:
                self._version = version
                self._changes += 1
            return self._changes

    def _data_version(self) -> int:
        """Return a number that changes when another connection than the writing one has committed."""
        with self._mutex, self.translated():
            if self._writer is None:
                raise StoreUnavailable(f"{self.path} is not open")
            return int(self._raw().execute("PRAGMA data_version").fetchone()[0])

    def rest(self, seconds: float, closing: threading.Event) -> None:
        """Fold the log in if there is time for it, and wait."""
        self.fold_if_idle()
        closing.wait(seconds)

    def fold_if_idle(self) -> None:
        """Fold the log into the file if nothing has been written for a while; skip it if someone is writing."""
        if time.monotonic() - self._written < IDLE or not self._log.size():
            return
        with self._turn.free() as free:
            if free:
                with self._mutex, self.translated():
                    self.faults.check()
                    if self._writer is not None:
                        self._log.empty(self._raw())
                self._written = time.monotonic()

    def serve(self) -> None:
        """Hold ``PATH.serve`` until ``close``; raises Refused while another daemon does."""
        self._serving = served(self.path.with_name(self.path.name + ".serve"))

    def leads(self, job: str) -> bool:  # noqa: ARG002 - one daemon does them all
        """Tell that this process runs every job: no other one may serve the file."""
        return True

    def give_back(self) -> None:
        """Return freed pages to the file system, a few in each commit, so that others come in between."""
        left = self._free()
        while left:
            with self._turn.taken(), self._mutex, self.translated():
                self.faults.check()
                # executescript, because execute would step it once and free one page
                self._raw().executescript(f"PRAGMA incremental_vacuum({_PAGES_BACK})")
            before, left = left, self._free()
            if left >= before:  # a file that was not made by this store keeps its pages
                return
            time.sleep(_BREATH)

    def _free(self) -> int:
        with self._mutex, self.translated():
            return int(self._raw().execute("PRAGMA freelist_count").fetchone()[0])

    def damage(self) -> str | None:
        """Return the first damage that SQLite finds, or None."""
        try:
            with self.reading() as connection, self.translated():
                ((found,),) = rows(connection, "PRAGMA integrity_check(1)")
        except StoreBroken as error:
            return str(error)
        return None if found == "ok" else str(found)

    def _raw(self) -> Any:
        assert self._writer is not None
        return driver(self._writer)

    def copy(self, path: Path, progress: Progress) -> None:
        """Write a consistent copy to a new file."""
        from stockhook_plugins.stores.sqlalchemy.backup import copy

        copy(self, path, progress)


class LastIds:
    """Counts on from the last id of each table."""

    def __init__(self, last: dict[str, int]) -> None:
        self._last = last

    def reserve(self, wanted: Mapping[str, int]) -> None:
        """Do nothing: to give one costs nothing."""

    def next(self, table: str) -> int:
        """Return the next id of a table."""
        self._last[table] = number = self._last.get(table, 0) + 1
        return number


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
