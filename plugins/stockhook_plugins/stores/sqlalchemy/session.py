"""An open store: deliveries in, views and units of work out."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from stockhook.plugin import Arrival, Refused, StoreBroken, model
from stockhook_plugins.stores.sqlalchemy import schema
from stockhook_plugins.stores.sqlalchemy import statements as sql
from stockhook_plugins.stores.sqlalchemy.caches import CatalogueCache, UnitCache
from stockhook_plugins.stores.sqlalchemy.database import Database, rows, write_together
from stockhook_plugins.stores.sqlalchemy.reading import Reading
from stockhook_plugins.stores.sqlalchemy.rows import json_list, shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES
from stockhook_plugins.stores.sqlalchemy.work import Claims, Working

_delivery = shape(model.Delivery)
_RECEIVED = _delivery.at["received_at"]
_PRUNED: Final = 1 << 20  # bytes of bodies that one commit removes


class Session:
    """What a store has between ``open`` and ``close``."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._units = UnitCache()
        self._catalogue = CatalogueCache()
        self._claims = Claims()
        self._mutex = threading.Lock()
        self._version = 0
        self._changes = 0

    def open(self) -> None:
        """Connect and bring the tables up to date."""
        try:
            self._database.open()
            schema.update(self._database)
            self._database.mark()
            self._version = self._database.data_version()
        except BaseException:
            self._database.close()
            raise

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
        if not arrivals:
            return []
        with self._database.faults.translated():
            deliveries = [_delivery.encode(each.delivery) for each in arrivals]
        bodies = [(each.digest, each.codec, each.size, each.data) for each in (arrival.body for arrival in arrivals)]
        with self._database.appending() as connection, self._database.faults.translated():
            last = dict(rows(connection, sql.LAST_IDS)).get(TABLES[model.Delivery].name, 0)
            for number, row in enumerate(deliveries, last + 1):
                row[0] = number
            write_together(connection, sql.bodies_once, bodies)
            write_together(connection, sql.deliveries_in, deliveries)
            connection.exec_driver_sql(sql.BODY_SEEN, (last + 1, last + len(deliveries)))
        return [row[0] for row in deliveries]

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Open a view of what is committed."""
        with self._database.reading() as connection:

            @contextmanager
            def view() -> Iterator[Connection]:
                with self._database.faults.translated():
                    yield connection

            yield Reading(view, self._units, self._catalogue)

    @contextmanager
    def write(self) -> Iterator[Working]:
        """Open a unit of work."""
        with Working(self._database, self._claims, self._units, self._catalogue).running() as work:
            yield work

    def changes(self) -> int:
        """Return how often another process was found to have changed the store."""
        with self._mutex:
            version = self._database.data_version()
            if version != self._version:
                self._version = version
                self._changes += 1
            return self._changes

    def idle(self) -> None:
        """Use a quiet moment for the write-ahead log."""
        self._database.fold_if_idle()

    def prune(self, before: datetime, most: int) -> int:
        """Remove bodies, and hand what they took back to the file system; a MiB or one body a call, and so a commit.

        What others wait for behind a commit is what it writes: twenty large bodies would be a quarter of a second.
        """
        moment = _delivery.columns[_RECEIVED].bind(before)
        with self._database.writing() as connection, self._database.faults.translated():
            old: list[int] = []
            sizes = 0
            for number, size in rows(connection, sql.OLD_BODIES, [moment, most, 0]):
                sizes += size
                if old and sizes > _PRUNED:
                    break
                old.append(number)
            for statement in sql.DROP_BODIES:
                connection.exec_driver_sql(statement, (json_list(old),))
        self._database.give_back()
        return len(old)

    def integrity(self) -> str | None:
        """Return the first damage that SQLite finds, or None."""
        try:
            with self._database.reading() as connection, self._database.faults.translated():
                ((found,),) = rows(connection, "PRAGMA integrity_check(1)", [])
        except StoreBroken as error:
            return str(error)
        return None if found == "ok" else str(found)

    def backup(self, path: Path, progress: Callable[[int, int], None]) -> None:
        """Copy what is committed to a new file."""
        from stockhook_plugins.stores.sqlalchemy.backup import copy

        copy(self._database, path, progress)


def _storable(arrival: Arrival) -> Arrival:
    """Return the arrival with texts that can be stored: a character that UTF-8 cannot hold becomes a question mark."""

    def clean(text: str) -> str:
        return text.encode(errors="replace").decode()

    row: Any = arrival.delivery
    headers = tuple((clean(name), clean(value)) for name, value in row.headers)
    return replace(arrival, delivery=replace(row, headers=headers, peer=clean(row.peer), channel=clean(row.channel)))
