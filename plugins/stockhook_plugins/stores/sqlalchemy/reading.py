"""A view of the store: the methods of ``Read``, on any connection."""

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from stockhook.plugin import Catalogue, Due, Match, Stock, Total, model
from stockhook_plugins.stores.sqlalchemy.caches import CatalogueCache, UnitCache
from stockhook_plugins.stores.sqlalchemy.database import rows, rows_of_each
from stockhook_plugins.stores.sqlalchemy.finding import find, totals
from stockhook_plugins.stores.sqlalchemy.rows import json_list, shape
from stockhook_plugins.stores.sqlalchemy.statements import Statements

R = TypeVar("R")
View: TypeAlias = Callable[[], AbstractContextManager[Connection]]

_shape_time = shape(model.Order).by_name["due_at"]


class Reading:
    """Reads through the connections that ``view`` opens; ``shared`` where they show nothing but what is committed."""

    def __init__(self, view: View, sql: Statements, units: UnitCache, catalogue: CatalogueCache) -> None:
        self._view = view
        self._sql = sql
        self._unit_cache = units
        self._catalogue_cache = catalogue
        self.shared = True

    def connected(self) -> AbstractContextManager[Connection]:
        """Open the connection that this view reads through."""
        return self._view()

    def orders(self, keys: Collection[model.OrderKey]) -> dict[model.OrderKey, model.OrderState]:
        """Return what is kept of each order; see ``Read``."""
        found: dict[model.OrderKey, model.OrderState] = {}
        with self._view() as connection:
            for account, names in by_account(keys).items():
                for state in _states(connection, self._sql, account, names):
                    found[state.order.key] = state
        return found

    def catalogue(self, codes: Collection[tuple[str, str]], skus: Collection[str] = ()) -> Catalogue:
        """Return what codes and skus mean; see ``Read``."""
        with self._view() as connection:
            version = rows(connection, self._sql.catalogue_version)
            known = self._catalogue_cache.at(version[0][0] if version else 0) if self.shared else CatalogueCache().at(0)
            asked = {(account, code) for each, code in codes for account in ("", each)}
            self._learn_aliases(connection, known[model.Alias], asked)
            aliases = {key: found for key in asked if (found := known[model.Alias].get(key)) is not None}
            reached = {code for _, code in codes} | {model.fold(sku) for sku in skus}
            reached |= {model.fold(alias.sku) for alias in aliases.values() if alias.sku}
            kits = self._kits(connection, known[model.Kit], reached)
            self._learn(connection, model.Item, known[model.Item], reached)
            items = {code: found for code in reached if (found := known[model.Item].get(code)) is not None}
        return Catalogue(aliases, items, kits)

    def _learn_aliases(self, connection: Connection, known: dict[Any, Any], asked: Collection[tuple[str, str]]) -> None:
        new = {key for key in asked if key not in known}
        if new:
            decode = shape(model.Alias).decode_all
            loaded = decode(rows(connection, self._sql.aliases, [json_list({code for _, code in new})]))
            found = {(alias.account, alias.code): alias for alias in loaded}
            known.update({key: found.get(key) for key in new})  # at once: other threads read these dicts

    def _kits(self, connection: Connection, known: dict[Any, Any], reached: set[str]) -> dict[str, model.Kit]:
        """Return the kits among these codes and their parts down to the last; adds the parts to ``reached``."""
        kits: dict[str, model.Kit] = {}
        level: set[str] = set(reached)
        while level:
            self._learn(connection, model.Kit, known, level)
            found = {code: kit for code in level if (kit := known.get(code)) is not None}
            kits.update(found)
            level = {model.fold(part.sku) for kit in found.values() for part in kit.parts} - reached
            reached |= level
        return kits

    def _learn(self, connection: Connection, record: type[Any], known: dict[Any, Any], codes: Collection[str]) -> None:
        new = [code for code in codes if code not in known]
        if new:
            loaded = shape(record).decode_all(rows(connection, self._sql.folded[record], [json_list(new)]))
            found = {model.fold(row.sku): row for row in loaded}
            known.update({code: found.get(code) for code in new})

    def _item_versions(self, connection: Connection, skus: Collection[str]) -> Mapping[str, int]:
        return dict(rows(connection, self._sql.item_versions, [json_list(skus)]))

    def units(self, skus: Collection[str]) -> Stock:
        """Return the units with stock or a hold; see ``Read``."""
        asked = set(skus)
        with self._view() as connection:
            versions = dict.fromkeys(asked, 0) | dict(self._item_versions(connection, asked))
            units: list[model.Unit] = []
            missing = []
            for sku, version in versions.items():
                known = self._unit_cache.get(sku, version)
                if known is None:
                    missing.append(sku)
                else:
                    units.extend(known)
            if missing:
                loaded = shape(model.Unit).decode_all(rows(connection, self._sql.units, [json_list(missing)]))
                units.extend(loaded)
                if self.shared:
                    self._remember(missing, versions, loaded)
            units.sort(key=_by_id)
            paths = json_list({unit.location for unit in units})
            places, counts = (
                shape(record).decode_all(found)
                for record, found in zip(
                    (model.Location, model.Count),
                    rows_of_each(connection, (self._sql.locations, [paths]), (self._sql.counts, [json_list(asked)])),
                    strict=True,
                )
            )
        return Stock(tuple(units), {place.path: place for place in places}, versions, tuple(counts))

    def _remember(self, skus: Collection[str], versions: Mapping[str, int], units: Collection[model.Unit]) -> None:
        by_sku = defaultdict(list)
        for unit in units:
            by_sku[unit.sku].append(unit)
        for sku in skus:
            self._unit_cache.put(sku, versions[sku], by_sku[sku])

    def due(self, now: datetime, most: int) -> Due:
        """Return what is due; see ``Read``."""
        with self._view() as connection:
            return due(connection, self._sql, now, most)

    def body(self, delivery: int) -> bytes | None:
        """Return the raw bytes of a delivery; see ``Read``."""
        with self._view() as connection:
            found = rows(connection, self._sql.body, [delivery])
        if not found:
            return None
        [(codec, data)] = found
        return unpacked(codec, data)

    def find(
        self,
        record: type[R],
        where: Mapping[str, Match] | None = None,
        after: tuple[Any, ...] | None = None,
        most: int = 1000,
    ) -> list[R]:
        """Return records by their fields; see ``Read``."""
        with self._view() as connection:
            return find(connection, self._sql, record, where or {}, after, most)

    def totals(
        self, record: type[Any], by: Sequence[str] = (), where: Mapping[str, Match] | None = None
    ) -> list[Total]:
        """Return counts and sums; see ``Read``."""
        with self._view() as connection:
            return totals(connection, self._sql, record, by, where or {})


def unpacked(codec: str, data: bytes) -> bytes:
    """Return the bytes of a body as received."""
    return zlib.decompress(data) if codec == "zlib" else data


def moment_of(now: datetime) -> int:
    """Return a time as it is stored."""
    return int(_shape_time.bind(now))


def due(connection: Connection, sql: Statements, now: datetime, most: int) -> Due:
    """Return what is due, oldest first."""
    moment = moment_of(now)
    orders = rows(connection, sql.due_orders, [moment, most, 0])
    deliveries = rows(connection, sql.due_deliveries, [moment, most, 0])
    decode = shape(model.Delivery).decode_all
    return Due(tuple(model.OrderKey(*row) for row in orders), tuple(decode(deliveries)))


def by_account(keys: Collection[model.OrderKey]) -> dict[str, list[str]]:
    """Return the order ids of each account."""
    found: dict[str, list[str]] = defaultdict(list)
    for account, order_id in keys:
        found[account].append(order_id)
    return found


def _by_id(unit: model.Unit) -> int:
    return unit.id


def _states(connection: Connection, sql: Statements, account: str, names: Sequence[str]) -> Iterator[model.OrderState]:
    orders = shape(model.Order).decode_all(rows(connection, sql.orders, [account, json_list(names)]))
    if not orders:
        return
    mine = [account, json_list([order.order_id for order in orders])]
    lines, shortages, waits = (
        _grouped(shape(record).decode_all(rows(connection, statement, mine)))
        for record, statement in ((model.Line, sql.lines), (model.Shortage, sql.shortages), (model.Wait, sql.waits))
    )
    takes: dict[str, list[model.Take]] = defaultdict(list)
    for order_id, number, unit, line, sku, taken, left, back, counted, suspense in rows(connection, sql.takes, mine):
        takes[order_id].append(model.Take(number, unit, line or 0, sku, taken, left, back, counted, bool(suspense)))
    for order in orders:
        name = order.order_id
        yield model.OrderState(
            order, tuple(lines[name]), tuple(takes[name]), tuple(shortages[name]), tuple(waits[name])
        )


def _grouped(records: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        found[record.order_id].append(record)
    return found
