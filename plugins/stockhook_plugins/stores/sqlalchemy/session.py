"""An open store: deliveries in, views and units of work out."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any, Final

from sqlalchemy import Connection

from stockhook.plugin import Arrival, Chunk, Progress, Refused, model
from stockhook_plugins.stores.sqlalchemy import schema
from stockhook_plugins.stores.sqlalchemy.caches import CatalogueCache, UnitCache
from stockhook_plugins.stores.sqlalchemy.database import Database, rows
from stockhook_plugins.stores.sqlalchemy.reading import Reading
from stockhook_plugins.stores.sqlalchemy.rows import json_list, shape
from stockhook_plugins.stores.sqlalchemy.statements import DATABASE_SIZE
from stockhook_plugins.stores.sqlalchemy.tables import TABLES
from stockhook_plugins.stores.sqlalchemy.work import Working

_delivery = shape(model.Delivery)
_RECEIVED = _delivery.at["received_at"]
_PRUNED: Final = 1 << 20  # bytes of bodies that one commit removes


class Session:
    """What a store has between ``open`` and ``close``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.sql
        self._units = UnitCache()
        self._catalogue = CatalogueCache()

    def open(self) -> None:
        """Connect and bring the tables up to date."""
        try:
            self._database.open()
            schema.update(self._database)
            self._database.mark()
        except BaseException:
            self._database.close()
            raise

    def serve(self) -> None:
        """Claim the store for a daemon."""
        self._database.serve()

    def leads(self, job: str) -> bool:
        """Tell whether this process is the one to run ``job``."""
        return self._database.leads(job)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Keep deliveries with their bodies in one commit."""
        try:
            return self._append(arrivals)
        except Refused:
            # a header that no UTF-8 can hold must not cost the deliveries that came with it
            return self._append([_storable(each) for each in arrivals])

    def _append(self, arrivals: Sequence[Arrival]) -> list[int]:
        database, table = self._database, TABLES[model.Delivery].name
        if not arrivals:
            database.try_appending()
            return []
        with database.translated():
            deliveries = [_delivery.encode(each.delivery) for each in arrivals]
        bodies = [(each.digest, each.codec, each.size, each.data) for each in (arrival.body for arrival in arrivals)]
        with database.appending() as connection, database.translated():
            numbers = database.numbers(connection)
            numbers.reserve({table: len(deliveries)})
            for row in deliveries:
                row[0] = numbers.next(table)
            database.write_together(connection, self._sql.bodies_once, bodies)
            database.add(connection, model.Delivery, deliveries)
            connection.exec_driver_sql(self._sql.body_seen, (deliveries[0][0], deliveries[-1][0]))
        return [row[0] for row in deliveries]

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Open a view of what is committed."""
        with self._database.reading() as connection:

            @contextmanager
            def view() -> Iterator[Connection]:
                with self._database.translated():
                    yield connection

            yield Reading(view, self._sql, self._units, self._catalogue)

    @contextmanager
    def write(self) -> Iterator[Working]:
        """Open a unit of work."""
        with self._database.unit() as unit:
            work = Working(self._database, unit, self._units, self._catalogue)
            yield work
        work.carry()

    def changes(self) -> int:
        """Return how often another process was found to have changed the store."""
        return self._database.changes()

    def rest(self, seconds: float, closing: Event) -> None:
        """Use a quiet moment until something may have changed."""
        self._database.rest(seconds, closing)

    def prune(self, before: datetime, most: int) -> int:
        """Remove bodies, and hand what they took back to the file system; a MiB or one body a call, and so a commit.

        What others wait for behind a commit is what it writes: twenty large bodies would be a quarter of a second.
        """
        moment = _delivery.columns[_RECEIVED].bind(before)
        with self._database.writing() as connection, self._database.translated():
            old: list[int] = []
            sizes = 0
            for number, size in rows(connection, self._sql.old_bodies, [moment, most, 0]):
                sizes += size
                if old and sizes > _PRUNED:
                    break
                old.append(number)
            for statement in self._sql.drop_bodies:
                connection.exec_driver_sql(statement, (json_list(old),))
        self._database.give_back()
        return len(old)

    def erase(self, digests: Collection[bytes]) -> int:
        """Remove bodies by digest, but for those that a delivery has which is still to be worked."""
        with self._database.writing() as connection, self._database.translated():
            needed = {bytes(digest) for (digest,) in rows(connection, self._sql.pending_digests)}
            gone: list[int] = []
            for digest in set(digests) - needed:
                gone += [number for (number,) in rows(connection, self._sql.body_of, [digest])]
            for statement in self._sql.drop_bodies:
                connection.exec_driver_sql(statement, (json_list(gone),))
        self._database.give_back()
        return len(gone)

    def integrity(self) -> str | None:
        """Return the first damage that the database finds, or None."""
        return self._database.damage()

    def size(self) -> int:
        """Return how many bytes the database takes on its server."""
        with self._database.reading() as connection, self._database.translated():
            return int(connection.exec_driver_sql(DATABASE_SIZE).scalar_one())

    def backup(self, path: Path, progress: Progress) -> None:
        """Copy what is committed to a new file."""
        self._database.copy(path, progress)

    def dump(self, view: Reading) -> Iterator[Chunk]:
        """Yield all rows that a view shows."""
        from stockhook_plugins.stores.sqlalchemy import store_copy

        with view.connected() as connection:
            yield from store_copy.dump(connection)

    def fill(self, chunks: Iterable[Chunk]) -> None:
        """Insert all rows of another store."""
        from stockhook_plugins.stores.sqlalchemy import store_copy

        with self._database.writing() as connection, self._database.translated():
            store_copy.fill(connection, self._database.name, chunks)


def _storable(arrival: Arrival) -> Arrival:
    """Return the arrival with texts that can be stored: a character that UTF-8 cannot hold becomes a question mark."""

    def clean(text: str) -> str:
        return text.encode(errors="replace").decode()

    row: Any = arrival.delivery
    headers = tuple((clean(name), clean(value)) for name, value in row.headers)
    return replace(arrival, delivery=replace(row, headers=headers, peer=clean(row.peer), channel=clean(row.channel)))
