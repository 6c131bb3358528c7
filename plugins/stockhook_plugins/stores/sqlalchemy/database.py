"""What the store needs of a database, be it a file or a server: ``sqlite`` and ``postgres`` offer it."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from stockhook.plugin import Due, Progress, model
from stockhook_plugins.stores.sqlalchemy.statements import Statements

QUEUE: Final = "queue"
"""In the ``info`` of a connection while statements are queued: what waits for them when it is closed, and the queue."""
TOGETHER: Final = "together"
"""What in the ``info`` of a connection makes one journey of the statements in its block; not there for a file."""


class Numbers(Protocol):
    """Gives ids within one transaction."""

    def reserve(self, wanted: Mapping[str, int]) -> None:
        """Get so many ids of each table at once, where asking for one at a time would cost a journey each."""
        ...

    def next(self, table: str) -> int:
        """Return the next id of a table; larger than any whose rows others can see, but for deliveries on a server."""
        ...


class Unit(Protocol):
    """What one unit of work does in the database: it reads, and from its first write on it is the only one to write."""

    writing: bool

    def connection(self) -> Connection:
        """Return where to read: what this unit has written, or what is committed."""
        ...

    def writer(self, touched: Collection[int] = ()) -> Connection:
        """Return where to write, after waiting for whoever writes now; ``touched`` are deliveries to be saved."""
        ...

    def claim(self, now: datetime, most: int) -> Due:
        """Take what is due and nobody else has taken, until the unit ends."""
        ...

    def hold(self, keys: Collection[model.OrderKey]) -> frozenset[model.OrderKey]:
        """Take these orders until the unit ends, and return those that others have taken."""
        ...

    def item_versions(self, skus: Collection[str]) -> Mapping[str, int]:
        """Return the versions of the items that have one; who can keeps others from booking them meanwhile."""
        ...


class Database(Protocol):
    """The connections to one database."""

    sql: Statements
    name: str

    def open(self) -> None:
        """Connect and prove that commits last."""
        ...

    def mark(self) -> None:
        """Remember that a store is here."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Raise what the database reports inside the block as an error of ours."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Hold one consistent view."""
        ...

    def appending(self) -> AbstractContextManager[Connection]:
        """Hold a transaction that adds deliveries; it commits at the end of the block."""
        ...

    def try_appending(self) -> None:
        """Return if ``appending`` could begin now; raises what it would."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Hold the one transaction that may change anything; it commits at the end of the block."""
        ...

    def unit(self) -> AbstractContextManager[Unit]:
        """Open a unit of work; it commits at the end of the block and rolls back on an exception."""
        ...

    def numbers(self, connection: Connection) -> Numbers:
        """Return what gives ids in a transaction."""
        ...

    def write(self, connection: Connection, statement: str, found: Sequence[Sequence[Any]]) -> None:
        """Run a statement of ``sql`` that writes rows for each of these."""
        ...

    def queued(self, connection: Connection) -> AbstractContextManager[Any]:
        """Within, nothing is read, and ``write`` need not wait for the database.

        What goes wrong with it may be raised when something is read next, or by the commit.
        """
        ...

    def add(self, connection: Connection, record: type[Any], found: Sequence[Sequence[Any]]) -> None:
        """Insert rows that are not there; where one is, the transaction is to be undone."""
        ...

    def put(self, connection: Connection, record: type[Any], found: Sequence[Sequence[Any]]) -> None:
        """Insert or replace rows by key; of several with one key the last one counts."""
        ...

    def write_together(self, connection: Connection, statement: str, found: Sequence[Sequence[Any]]) -> None:
        """Write rows that a sender waits for."""
        ...

    def changes(self) -> int:
        """Return how often another process was found to have changed the store."""
        ...

    def rest(self, seconds: float, closing: Event) -> None:
        """Use a quiet moment, until another process may have changed something, or the store is to be closed."""
        ...

    def serve(self) -> None:
        """Claim the database for a daemon until it is closed; raises Refused where only one may and one does."""
        ...

    def leads(self, job: str) -> bool:
        """Tell whether this process is the one to run ``job``, of all that share the database."""
        ...

    def give_back(self) -> None:
        """Return freed space to the file system, some of it."""
        ...

    def copy(self, path: Path, progress: Progress) -> None:
        """Write a consistent copy to a new file; raises Refused where that is not the database's way."""
        ...

    def damage(self) -> str | None:
        """Return the first damage that the database finds in what it keeps, or None."""
        ...


def driver(connection: Connection) -> Any:
    """Return the driver's own connection, for statements that SQLAlchemy would only make slower."""
    return connection.connection.driver_connection


def rows(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """Run one of the hot statements and return its rows as plain tuples."""
    return list(_reader(connection).execute(sql, tuple(parameters)).fetchall())


def rows_of_each(connection: Connection, *asked: tuple[str, Sequence[Any]]) -> list[list[Any]]:
    """Run hot statements one after the other, in one journey where there is one, and return the rows of each."""
    reader = _reader(connection)
    with connection.info.get(TOGETHER, nullcontext)():
        found = [reader.execute(sql, tuple(parameters)) for sql, parameters in asked]
    return [list(each.fetchall()) for each in found]


def _reader(connection: Connection) -> Any:
    settle(connection)
    if not connection.in_transaction():
        connection.begin()  # SQLAlchemy does not see what goes past it, and would have nothing to commit
    return driver(connection)


def settle(connection: Connection) -> None:
    """Wait for what has been queued, and raise what went wrong with it."""
    queue = connection.info.pop(QUEUE, None)
    if queue is not None:
        queue[0].close()
