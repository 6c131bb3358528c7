"""A PostgreSQL database that any number of daemons share: how it is opened, and who may write when (design.md 9).

Whoever changes anything but deliveries on their way in does so alone, behind one advisory lock that is taken after
planning and kept until the commit. So ids ascend in the order of the commits (but for those of deliveries), and
nothing is ever decided on figures that somebody else is about to change. What is read for planning is checked by
version, as in SQLite.
"""

import select
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.pq import Format
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from stockhook.plugin import RECORDS, Progress, Refused, StoreUnavailable, model
from stockhook_plugins.stores.sqlalchemy.database import QUEUE, TOGETHER, driver, rows, settle
from stockhook_plugins.stores.sqlalchemy.postgres_array import array, register
from stockhook_plugins.stores.sqlalchemy.postgres_faults import ServerFaults
from stockhook_plugins.stores.sqlalchemy.postgres_jobs import Bell, Jobs
from stockhook_plugins.stores.sqlalchemy.postgres_queue import hand_over, queued
from stockhook_plugins.stores.sqlalchemy.postgres_stuck import MARK
from stockhook_plugins.stores.sqlalchemy.postgres_unit import ServerUnit
from stockhook_plugins.stores.sqlalchemy.rows import shape
from stockhook_plugins.stores.sqlalchemy.statements import (
    KEEP_BODIES,
    LAST_IDS,
    NEXT_IDS,
    REMOVE_BODIES,
    SEQUENCES,
    WRITE_ALONE,
    for_postgresql,
)
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

OLDEST: Final = 140000
"""The oldest version that is taken, as PostgreSQL counts them: from it on the jobs of a daemon that hangs are freed.

Tests run on 16 and 18.
"""

_CONNECTING: Final = {
    "application_name": "stockhook",
    "client_encoding": "utf8",  # else that of the database, and texts of some come as bytes
    "connect_timeout": "5",
    "keepalives_idle": "10",  # seconds; a peer that is gone is found out before a sender gives up
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",  # ms
}
_DURABLE: Final = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_apply")}
_SESSION: Final = {
    "synchronous_commit": "on",  # a commit is on the disk when it returns (promise 1)
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",  # of one that is stopped; planning is silent for seconds at most
    "timezone": "UTC",
}
_READING: Final = {**_SESSION, "statement_timeout": "0", "idle_in_transaction_session_timeout": "10min"}

_SHARED: Final = TABLES[model.Delivery].name
"""The table whose ids several take at the same time."""
_NONE: Final[Iterator[int]] = iter(())


class ServerDatabase:
    """The connections to one database: some that write, some that read."""

    def __init__(self, address: str, password: str | None) -> None:
        url = make_url(address)
        self.name = url.set(query={}).render_as_string(hide_password=True)
        self.sql = for_postgresql()
        self.faults = ServerFaults(self.name)
        self.translated = self.faults.translated
        self._url = url.set(password=password or url.password, query={**_CONNECTING, **url.query})
        self._engines: list[Engine] = []
        self.bell = Bell(self._connect)
        self.jobs = Jobs(self._connect)

    # --- opening and closing

    def open(self) -> None:
        """Connect and prove that commits last."""
        self._engines = [
            self._engine("READ COMMITTED", _SESSION, 4),
            self._engine("REPEATABLE READ", _READING, 12, postgresql_readonly=True),
        ]
        event.listen(self._engines[0], "connect", _mark)
        with self.translated(), self._engines[0].connect() as connection:
            self._prove(connection)

    def _engine(self, isolation: str, settings: Mapping[str, str], overflow: int, **options: Any) -> Engine:
        engine = create_engine(
            self._url,
            connect_args={"options": self._options(settings)},
            isolation_level=isolation,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=overflow,
            pool_timeout=10,
            use_native_hstore=False,
            hide_parameters=True,  # an error tells no payload
            **({"execution_options": options} if options else {}),
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "checkout", _check)
        return engine

    def _options(self, settings: Mapping[str, str]) -> str:
        """Return settings of sessions as the server reads them; the URL's own come last, and so win."""
        asked = self._url.query.get("options", ())
        words = [f"-c {name}={value}" for name, value in settings.items()]
        return " ".join([*words, *([asked] if isinstance(asked, str) else asked)])

    def _connect(self) -> Any:
        """Return a connection for one purpose, apart from the others and without transactions."""
        if not self._engines:
            raise StoreUnavailable(f"{self.name} is not open")
        _, named = self._engines[0].dialect.create_connect_args(self._url)
        return psycopg.connect(**{**named, "options": self._options(_SESSION)}, autocommit=True)

    def _prove(self, connection: Connection) -> None:
        version = int(rows(connection, "SHOW server_version_num")[0][0])
        if version < OLDEST:
            raise StoreUnavailable(
                f"{self.name} is PostgreSQL {version // 10000}, and stockhook needs {OLDEST // 10000} or newer"
            )
        for setting, wanted in _DURABLE.items():
            [(found,)] = rows(connection, f"SHOW {setting}")
            if found not in wanted:
                # what the server, the database or the role say of this one does not count: the session sets it
                ours = setting in _SESSION
                way = "Take it out of the options of the URL" if ours else "Set it in postgresql.conf and restart it"
                raise StoreUnavailable(
                    f"{self.name}: {setting} is {found!r}, not {wanted[0]!r}; without it a commit may be lost when the "
                    f"power fails. {way}"
                )
        [(encoding,)] = rows(connection, "SHOW server_encoding")
        if encoding != "UTF8":
            raise StoreUnavailable(
                f"{self.name} has the encoding {encoding}, and codes of all scripts need UTF8; make the database anew "
                "with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )

    def mark(self) -> None:
        """Nothing to remember: a server does not lose a database and make it anew by itself."""

    def close(self) -> None:
        """Tell the others of what has been written, and close all connections."""
        if self._engines:
            self.bell.close()
            self.jobs.close()
        for engine in self._engines:
            engine.dispose()
        self._engines = []

    # --- transactions

    @contextmanager
    def _transaction(self, which: int) -> Iterator[Connection]:
        if not self._engines:
            raise StoreUnavailable(f"{self.name} is not open")
        with self.translated():
            connection = self._engines[which].connect()
        try:
            yield connection
            with self.translated():
                settle(connection)
                connection.commit()
        finally:
            _leave(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold one consistent view."""
        with self._transaction(1) as connection:
            yield connection

    @contextmanager
    def appending(self) -> Iterator[Connection]:
        """Hold a transaction that adds deliveries; several may at once."""
        with self._transaction(0) as connection:
            with self.translated():
                connection.exec_driver_sql(KEEP_BODIES)
            yield connection
        self.bell.ring()

    def try_appending(self) -> None:
        """Begin as a transaction that adds deliveries does."""
        with self._transaction(0) as connection, self.translated():
            connection.exec_driver_sql(KEEP_BODIES)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the one transaction that may change anything, and remove bodies."""
        with self._transaction(0) as connection:
            with self.translated():
                connection.exec_driver_sql(WRITE_ALONE)
                connection.exec_driver_sql(REMOVE_BODIES)
            yield connection
        self.bell.ring()

    @contextmanager
    def unit(self) -> Iterator[ServerUnit]:
        """Open a unit of work."""
        with self._transaction(0) as connection:
            unit = ServerUnit(connection, self.sql)
            yield unit
        if unit.writing:
            self.bell.ring()

    # --- rows

    def numbers(self, connection: Connection) -> "Sequences":
        """Return what gives ids."""
        return Sequences(connection)

    @contextmanager
    def queued(self, connection: Connection) -> Iterator[None]:
        """Have the server work on one statement while the next one is written."""
        if QUEUE not in connection.info:
            with ExitStack() as opened:
                queue = opened.enter_context(queued(driver(connection)))
                connection.info[QUEUE] = (opened.pop_all(), queue)
        yield

    def write(self, connection: Connection, statement: str, found: Sequence[Sequence[Any]]) -> None:
        """Run a statement once, with the rows as one array a column."""
        if found:
            driver(connection).execute(statement, tuple(map(array, zip(*found, strict=True))))
            queue = connection.info.get(QUEUE)
            if queue is not None:
                hand_over(driver(connection), queue[1])

    def add(self, connection: Connection, record: type[Any], found: Sequence[Sequence[Any]]) -> None:
        """Insert rows that are not there."""
        self.write(connection, self.sql.add(record), found)

    def put(self, connection: Connection, record: type[Any], found: Sequence[Sequence[Any]]) -> None:
        """Insert or replace rows; a key that comes twice would be refused in one statement."""
        at = [shape(record).at[name] for name in RECORDS[record].key]
        once = {tuple(row[place] for place in at): row for row in found}
        self.write(connection, self.sql.put(record), list(once.values()))

    def write_together(self, connection: Connection, statement: str, found: Sequence[Sequence[Any]]) -> None:
        """Write rows in the order of their first column, so that two who write the same ones cannot lock each other."""
        self.write(connection, statement, sorted(found, key=_first))

    # --- what others do

    def changes(self) -> int:
        """Return how often another process was found to have changed the store."""
        with self.translated():
            return self.bell.heard()

    def rest(self, seconds: float, closing: threading.Event) -> None:
        """Wait until another process rings, and ring for what was written here meanwhile."""
        ends = time.monotonic() + seconds
        with self.translated():
            while not self.bell.listen(max(ends - time.monotonic(), 0)):
                if closing.is_set() or time.monotonic() > ends:
                    return

    def serve(self) -> None:
        """Any number of daemons may serve."""

    def leads(self, job: str) -> bool:
        """Tell whether this process is the one that runs ``job`` for all that share the database."""
        with self.translated():
            return self.jobs.leads(job)

    def give_back(self) -> None:
        """Leave it to autovacuum."""

    def copy(self, path: Path, progress: Progress) -> None:  # noqa: ARG002 - nothing is copied
        """Refuse: the server's own tools know how to."""
        raise Refused(
            f"this store is in PostgreSQL, which has its own tool for backups: pg_dump --format=custom --file={path} "
            "DATABASE copies it while it is in use, pg_restore brings it back"
        )

    def damage(self) -> str | None:
        """Return that the server has found pages with a wrong checksum, or None."""
        with self.reading() as connection, self.translated():
            found = rows(
                connection,
                "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()",
            )
        if not found or not found[0][0]:
            return None
        return (
            f"PostgreSQL has found {found[0][0]} damaged pages: restore a backup, or repair them, and then set the "
            "count back with SELECT pg_stat_reset()"
        )


class Sequences:
    """Gives ids from the sequences of the tables, many in one journey."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._given: dict[str, Iterator[int]] = {}

    def reserve(self, wanted: Mapping[str, int]) -> None:
        """Get so many ids of each table."""
        asked = {SEQUENCES[table]: number for table, number in wanted.items() if number and table != _SHARED}
        if asked:
            lasts = dict(rows(self._connection, LAST_IDS, [list(asked), list(asked.values())]))
            for table in wanted:
                last = lasts.get(SEQUENCES[table])
                if last is not None:
                    self._give(table, range(last - wanted[table] + 1, last + 1))
        if wanted.get(_SHARED):
            found = rows(self._connection, NEXT_IDS, [SEQUENCES[_SHARED], wanted[_SHARED]])
            self._give(_SHARED, sorted(number for (number,) in found))

    def _give(self, table: str, numbers: Iterable[int]) -> None:
        self._given[table] = chain(self._given.get(table, ()), numbers)

    def next(self, table: str) -> int:
        """Return the next id of a table."""
        number = next(self._given.get(table, _NONE), None)
        if number is None:
            self.reserve({table: 1})
            number = next(self._given[table])
        return number


class _Cursor(psycopg.Cursor[Any]):
    """Takes answers in binary form: bytes, of which bodies are, come twice as long as text."""

    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__(connection, **options)
        self.format = Format.BINARY


def _prepare(driver: Any, record: Any) -> None:
    register(driver)
    driver.cursor_factory = _Cursor
    record.info[TOGETHER] = partial(queued, driver)


def _mark(driver: Any, _record: object) -> None:
    driver.execute(MARK)
    driver.commit()


def _check(driver: Any, _record: object, _connection: object) -> None:
    """Find out, without a journey, that the server has closed a connection since it was used last.

    After a restart no transaction fails because it was given one of those: a new one is made in its place.
    """
    try:
        ready = select.poll()
        ready.register(driver.fileno(), select.POLLIN)
        while ready.poll(0):
            driver.pgconn.consume_input()
    except psycopg.Error as error:
        raise DisconnectionError(str(error)) from error


def _leave(connection: Connection) -> None:
    """Give a connection back; one that is broken is thrown away, without a word: what broke it has been told."""
    if not connection.invalidated:
        with suppress(SQLAlchemyError, psycopg.Error):
            settle(connection)
    with suppress(SQLAlchemyError, psycopg.Error):
        if not connection.invalidated and driver(connection).closed:
            connection.invalidate()
        connection.close()


def _first(row: Sequence[Any]) -> Any:
    return row[0]
