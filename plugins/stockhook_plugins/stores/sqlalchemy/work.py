"""A unit of work: reads like any view until its first write, then holds the write lock until it ends."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection

from stockhook.plugin import RECORDS, Due, model
from stockhook_plugins.stores import bookings as rules
from stockhook_plugins.stores.sqlalchemy import statements as sql
from stockhook_plugins.stores.sqlalchemy.booking import Batch
from stockhook_plugins.stores.sqlalchemy.caches import CatalogueCache, Moved, UnitCache
from stockhook_plugins.stores.sqlalchemy.database import Database, rows, write_all
from stockhook_plugins.stores.sqlalchemy.reading import Reading, due, unpacked
from stockhook_plugins.stores.sqlalchemy.rows import Row, json_list, shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

_SMALL: Final = 16 * 1024  # bytes of bodies that are read together
_CATALOGUE: Final = (model.Alias, model.Item, model.Kit)


class Claims:
    """What the units of work of this process are at: SQLite has one serving daemon, and commands claim nothing."""

    def __init__(self) -> None:
        self.mutex = Lock()
        self.taken: set[Any] = set()


class Working(Reading):
    """The methods of ``Work``."""

    def __init__(self, database: Database, claims: Claims, units: UnitCache, catalogue: CatalogueCache) -> None:
        super().__init__(self._either, units, catalogue)
        self._database = database
        self._claims = claims
        self._mine: set[Any] = set()
        self._writing: Connection | None = None
        self._held = ExitStack()
        self._snapshot: Connection | None = None
        self._seen = ExitStack()
        self._bodies: dict[int, bytes] = {}
        self._last: dict[str, int] | None = None
        self._moved: list[dict[str, Moved]] = []

    @contextmanager
    def _either(self) -> Iterator[Connection]:
        """Show what this work has written, or one snapshot of what is committed while it has written nothing."""
        connection = self._writing
        if connection is None:
            if self._snapshot is None:
                self._snapshot = self._seen.enter_context(self._database.reading())
            connection = self._snapshot
        with self._database.faults.translated():
            yield connection

    def _drop_snapshot(self) -> None:
        self._snapshot = None
        self._seen.close()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        if self._writing is None:
            self._drop_snapshot()
            self._writing = self._held.enter_context(self._database.writing())
            self.shared = False
        with self._database.faults.translated():
            yield self._writing

    @contextmanager
    def running(self) -> Iterator["Working"]:
        """Commit at the end of the block, or roll back on an exception; release what was claimed either way."""
        try:
            with self._held, self._seen:
                yield self
            for moved in self._moved:
                self._unit_cache.carry(moved)
        finally:
            with self._claims.mutex:
                self._claims.taken -= self._mine

    def claim(self, now: datetime, most: int) -> Due:
        """Take what is due and nobody else has taken; see ``Work``."""
        self._drop_snapshot()
        with self._claims.mutex, self._view() as connection:  # the view opens behind the mutex, or it could be stale
            taken = self._claims.taken
            found = due(connection, now, most + len(taken))
            orders = [key for key in found.orders if key not in taken][:most]
            deliveries = [row for row in found.deliveries if row.id not in taken][:most]
            mine = {*orders, *(row.id for row in deliveries)}
            self._mine |= mine
            self._claims.taken |= mine
            asked = json_list(row.id for row in deliveries if row.size <= _SMALL)
            self._bodies = {number: unpacked(*body) for number, *body in rows(connection, sql.BODIES, [asked])}
        return Due(tuple(orders), tuple(deliveries))

    def body(self, delivery: int) -> bytes | None:
        """Return the raw bytes of a delivery; those of small ones came with the claim."""
        return self._bodies.pop(delivery, None) or super().body(delivery)

    def save(self, records: Sequence[Any]) -> None:
        """Insert or replace records by key; see ``Work``."""
        for record in records:
            rules.refuse_booked(record)
        if not records:
            return
        with self._write() as connection:
            ids: dict[type, dict[int, int]] = defaultdict(dict)
            found: dict[type, list[Row]] = defaultdict(list)
            for record in records:
                found[type(record)].append(self._numbered(record, ids[type(record)]))
            for kind, batch in found.items():
                self._resolve(kind, batch, ids)
                if kind is model.Order:
                    self._reschedule(connection, batch)
                else:
                    write_all(connection, sql.put(kind), batch)
                if kind in sql.FOLDED:
                    self._fold(connection, sql.fold_in(kind), [row for row in records if type(row) is kind])
            self._changed(connection, found)

    def _numbered(self, record: Any, ids: dict[int, int]) -> Row:
        row = shape(type(record)).encode(record)
        if RECORDS[type(record)].key == ("id",) and not 0 < row[0] < model.NEW:
            row[0] = ids[record.id] = self._number(type(record))
        return row

    @staticmethod
    def _resolve(kind: type[Any], batch: Sequence[Row], ids: dict[type, dict[int, int]]) -> None:
        for name, to in rules.REFERENCES.get(kind, ()):
            at = shape(kind).at[name]
            for row in batch:
                row[at] = rules.real(row[at], ids[to], kind.__name__)

    @staticmethod
    def _reschedule(connection: Connection, batch: Sequence[Row]) -> None:
        at = shape(model.Order).at
        for row in batch:
            account, order_id = row[at["account"]], row[at["order_id"]]
            result = connection.exec_driver_sql(
                sql.RESCHEDULE, (row[at["due_at"]], row[at["attempts"]], account, order_id)
            )
            if not result.rowcount:
                rules.known_order(None, model.OrderKey(account, order_id))

    @staticmethod
    def _fold(connection: Connection, statement: str, records: Sequence[Any]) -> None:
        connection.exec_driver_sql(statement, [(model.fold(record.sku), record.sku) for record in records])

    @staticmethod
    def _changed(connection: Connection, kinds: Any) -> None:
        if any(kind in kinds for kind in _CATALOGUE):
            connection.exec_driver_sql(sql.BUMP, ("catalogue", ""))

    def forget(self, records: Sequence[Any]) -> None:
        """Remove aliases and kits by key; see ``Work``."""
        for record in records:
            rules.refuse_forgetting(record)
        if not records:
            return
        with self._write() as connection:
            for record in records:
                form, key = shape(type(record)), RECORDS[type(record)].key
                row = form.encode(record)
                connection.exec_driver_sql(sql.drop(type(record)), tuple(row[form.at[name]] for name in key))
                if type(record) in sql.FOLDED:
                    self._fold(connection, sql.fold_out(type(record)), [record])
            self._changed(connection, {type(record) for record in records})

    def book(self, bookings: Sequence[model.Booking]) -> frozenset[model.OrderKey | None]:
        """Write bookings and return the keys of those that are void; see ``Work``."""
        with self._write() as connection:
            batch = Batch(connection, self._number)
            void = batch.write(bookings)
        self._moved.append(batch.moved)
        return void

    def _number(self, record: type[Any]) -> int:
        """Return the next id of a table: nobody else can give one while this work writes."""
        if self._last is None:
            assert self._writing is not None
            self._last = dict(rows(self._writing, sql.LAST_IDS))
        name = TABLES[record].name
        self._last[name] = number = self._last.get(name, 0) + 1
        return number
