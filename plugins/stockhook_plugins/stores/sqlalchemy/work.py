"""A unit of work: reads like any view until its first write, then is the only one to write until it ends."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from stockhook.plugin import RECORDS, Due, model
from stockhook_plugins.stores import bookings as rules
from stockhook_plugins.stores.sqlalchemy.booking import Batch
from stockhook_plugins.stores.sqlalchemy.caches import CatalogueCache, Moved, UnitCache
from stockhook_plugins.stores.sqlalchemy.database import Database, Numbers, Unit, rows
from stockhook_plugins.stores.sqlalchemy.reading import Reading, by_account, unpacked
from stockhook_plugins.stores.sqlalchemy.rows import Row, json_list, shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

_SMALL: Final = 16 * 1024  # bytes of bodies that are read together
_CATALOGUE: Final = (model.Alias, model.Item, model.Kit)


class Working(Reading):
    """The methods of ``Work``."""

    def __init__(self, database: Database, unit: Unit, units: UnitCache, catalogue: CatalogueCache) -> None:
        @contextmanager
        def either() -> Iterator[Connection]:
            with database.translated():
                yield unit.connection()

        # no method of this unit: it would refer to itself, and stay with all it has read until garbage is collected
        super().__init__(either, database.sql, units, catalogue)
        self._database = database
        self._unit = unit
        self._bodies: dict[int, bytes] = {}
        self._given: Numbers | None = None
        self._moved: list[dict[str, Moved]] = []

    @contextmanager
    def _write(self, touched: Collection[int] = ()) -> Iterator[Connection]:
        with self._database.translated():
            connection = self._unit.writer(touched)
            self.shared = False
            yield connection

    def carry(self) -> None:
        """Remember what has been committed."""
        for moved in self._moved:
            self._unit_cache.carry(moved)

    def claim(self, now: datetime, most: int) -> Due:
        """Take what is due and nobody else has taken; see ``Work``."""
        with self._database.translated():
            due = self._unit.claim(now, most)
            asked = json_list(row.id for row in due.deliveries if row.size <= _SMALL)
            found = rows(self._unit.connection(), self._sql.small_bodies, [asked])
        self._bodies = {number: unpacked(*body) for number, *body in found}
        return due

    def hold(self, keys: Collection[model.OrderKey]) -> frozenset[model.OrderKey]:
        """Take these orders, and return those that others have taken; see ``Work``."""
        with self._database.translated():
            return self._unit.hold(keys)

    def body(self, delivery: int) -> bytes | None:
        """Return the raw bytes of a delivery; those of small ones came with the claim."""
        return self._bodies.pop(delivery, None) or super().body(delivery)

    def _item_versions(self, _: Connection, skus: Collection[str]) -> Mapping[str, int]:
        return self._unit.item_versions(skus)

    def save(self, records: Sequence[Any]) -> None:
        """Insert or replace records by key; see ``Work``."""
        for record in records:
            rules.refuse_booked(record)
        if not records:
            return
        touched = [row.id for row in records if isinstance(row, model.Delivery) and 0 < row.id < model.NEW]
        with self._write(touched) as connection:
            ids: dict[type, dict[int, int]] = defaultdict(dict)
            found: dict[type, list[Row]] = defaultdict(list)
            for record in records:
                found[type(record)].append(self._numbered(record, ids[type(record)]))
            for kind, batch in found.items():
                self._resolve(kind, batch, ids)
            moved = self._rescheduled(connection, found.pop(model.Order, ()))
            with self._database.queued(connection):
                self._database.write(connection, self._sql.reschedule, moved)
                for kind, batch in found.items():
                    self._database.put(connection, kind, batch)
                    if kind in self._sql.folded:
                        self._fold(connection, self._sql.fold_in(kind), [row for row in records if type(row) is kind])
                self._changed(connection, found)

    def _numbered(self, record: Any, ids: dict[int, int]) -> Row:
        kind = type(record)
        row = shape(kind).encode(record)
        if RECORDS[kind].key == ("id",) and not 0 < row[0] < model.NEW:
            row[0] = ids[record.id] = self._numbers().next(TABLES[kind].name)
        return row

    @staticmethod
    def _resolve(kind: type[Any], batch: Sequence[Row], ids: dict[type, dict[int, int]]) -> None:
        for name, to in rules.REFERENCES.get(kind, ()):
            at = shape(kind).at[name]
            for row in batch:
                row[at] = rules.real(row[at], ids[to], kind.__name__)

    def _rescheduled(self, connection: Connection, batch: Sequence[Row]) -> list[Row]:
        """Return what ``reschedule`` takes to write orders that are kept; raises Refused for another one."""
        at = shape(model.Order).at
        found = {model.OrderKey(row[at["account"]], row[at["order_id"]]): row for row in batch}
        for account, names in by_account(found).items():
            known = {name for name, _ in rows(connection, self._sql.order_versions, [account, json_list(names)])}
            for name in names:
                if name not in known:
                    rules.known_order(None, model.OrderKey(account, name))
        return [[row[at["due_at"]], row[at["attempts"]], *key] for key, row in sorted(found.items())]

    def _fold(self, connection: Connection, statement: str, records: Sequence[Any]) -> None:
        self._database.write(connection, statement, [(model.fold(record.sku), record.sku) for record in records])

    def _changed(self, connection: Connection, kinds: Any) -> None:
        if any(kind in kinds for kind in _CATALOGUE):
            self._database.write(connection, self._sql.bump, [("catalogue", "")])

    def forget(self, records: Sequence[Any]) -> None:
        """Remove aliases, kits and answers by key; see ``Work``."""
        for record in records:
            rules.refuse_forgetting(record)
        if not records:
            return
        with self._write() as connection:
            for record in records:
                form, key = shape(type(record)), RECORDS[type(record)].key
                row = form.encode(record)
                gone = [row[form.at[name]] for name in key]
                self._database.write(connection, self._sql.drop(type(record)), [gone])
                if type(record) in self._sql.folded:
                    self._fold(connection, self._sql.fold_out(type(record)), [record])
            self._changed(connection, {type(record) for record in records})

    def book(self, bookings: Sequence[model.Booking]) -> frozenset[model.OrderKey | None]:
        """Write bookings and return the keys of those that are void; see ``Work``."""
        with self._write() as connection:
            batch = Batch(self._database, connection, self._numbers())
            void = batch.write(bookings)
        self._moved.append(batch.moved)
        return void

    def _numbers(self) -> Numbers:
        if self._given is None:
            self._given = self._database.numbers(self._unit.writer())
        return self._given
