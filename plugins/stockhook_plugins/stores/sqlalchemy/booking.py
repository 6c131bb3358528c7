"""Bookings to rows: one call is gathered per table and written with one statement each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection

from stockhook.plugin import RECORDS, model
from stockhook_plugins.stores import bookings as rules
from stockhook_plugins.stores.sqlalchemy.caches import Moved
from stockhook_plugins.stores.sqlalchemy.database import Database, Numbers, rows_of_each
from stockhook_plugins.stores.sqlalchemy.reading import by_account
from stockhook_plugins.stores.sqlalchemy.rows import Row, json_list, shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

_NEW: Final = model.NEW
_order, _line, _wait = shape(model.Order), shape(model.Line), shape(model.Wait)
_unit, _allocation, _move = shape(model.Unit), shape(model.Allocation), shape(model.Movement)
_VERSION: Final = _order.at["version"]
_QUANTITY: Final = _unit.at["quantity"]
_UNIT, _DELTA, _BALANCE = _move.at["unit_id"], _move.at["quantity"], _move.at["balance_after"]
_MOVE_EVENT, _MOVE_ALLOCATION, _REVERSES = _move.at["event_id"], _move.at["allocation_id"], _move.at["reverses"]
_ALLOCATION_EVENT: Final = _allocation.at["event_id"]
_KEPT: Final = {
    model.Event: attrgetter("events"),
    model.Unit: attrgetter("units"),
    model.Allocation: attrgetter("allocations"),
    model.Movement: attrgetter("movements"),
    model.Shortage: attrgetter("shortages"),
}
"""What of a booking gets an id."""


class Batch:
    """The good bookings of one call, on their way into the tables.

    One table is written after the other: what does not wait for the database is at the next one meanwhile. A mistake
    that is found then breaks the whole unit of work.
    """

    def __init__(self, database: Database, connection: Connection, numbers: Numbers) -> None:
        self._database = database
        self._connection = connection
        self._numbers = numbers
        self.moved: dict[str, Moved] = {}
        self._quantities: dict[int, int] = {}
        self._skus: dict[int, str] = {}
        self._suspense: set[int] = set()
        self._touched: set[int] = set()
        self._fresh: dict[int, Row] = {}
        self._amended: dict[int, Row] = {}
        self._spelt: set[tuple[str, str, str]] = set()
        self._versions: dict[str, int] = {}
        self._order_versions: dict[model.OrderKey, int] = {}
        self._made: set[model.OrderKey] = set()
        self._given: dict[type[Any], dict[int, int]] = defaultdict(dict)

    def write(self, bookings: Sequence[model.Booking]) -> frozenset[model.OrderKey | None]:
        """Write what is not void, and return the keys of what is."""
        self._load(bookings)
        good, void = rules.standing(bookings, self._order_versions, self._versions)
        named = _placeholders(good)
        self._numbers.reserve({TABLES[record].name: len(found) for record, found in named.items()})
        # where one stands for several records, what names it is told by the place in the call
        parts = [good] if all(map(_unique, named.values())) else [[booking] for booking in good]
        with self._database.queued(self._connection):
            for part in parts:
                self._write_part(part)
            self._write_units()
        return void

    def _write_part(self, bookings: Sequence[model.Booking]) -> None:
        kept = {record: [row for booking in bookings for row in get(booking)] for record, get in _KEPT.items()}
        self._write_numbered(model.Event, self._numbered(model.Event, kept[model.Event]))
        self._write_orders(bookings)
        self._given[model.Unit].update({unit.id: self._take_unit(unit) for unit in kept[model.Unit]})
        self._allocate(kept[model.Allocation])
        self._move(kept[model.Movement])
        self._write_numbered(model.Shortage, self._numbered(model.Shortage, kept[model.Shortage]))

    # --- what is there

    def _load(self, bookings: Sequence[model.Booking]) -> None:
        sql = self._database.sql
        orders = by_account({booking.order.key for booking in bookings if booking.order is not None})
        moves = [move for booking in bookings for move in booking.movements]
        units = [unit for booking in bookings for unit in booking.units]
        skus = {sku for booking in bookings for sku in booking.items}
        skus.update(move.sku for move in moves)
        skus.update(unit.sku for unit in units)
        named = {move.unit_id for move in moves if move.unit_id < _NEW} | {unit.id for unit in units if unit.id < _NEW}
        versions, quantities, *found = rows_of_each(
            self._connection,
            (sql.item_versions, [json_list(skus)]),
            (sql.unit_quantities, [json_list(named)]),
            *((sql.order_versions, [account, json_list(names)]) for account, names in orders.items()),
        )
        self._versions.update(versions)
        for number, sku, quantity, suspense in quantities:
            self._skus[number], self._quantities[number] = sku, quantity
            if suspense:
                self._suspense.add(number)
        for account, known in zip(orders, found, strict=True):
            self._order_versions.update({model.OrderKey(account, order_id): version for order_id, version in known})

    # --- one table after the other

    def _write_orders(self, bookings: Sequence[model.Booking]) -> None:
        known = self._order_versions.keys() | self._made
        orders: dict[model.OrderKey, Row] = {}
        waits: dict[model.OrderKey, Sequence[model.Wait]] = {}
        new: list[Row] = []
        old: list[Row] = []
        for booking in bookings:
            order = booking.order
            first = order is not None and order.key not in known and order.key not in orders
            (new if first else old).extend(map(_line.encode, booking.lines))
            if order is not None:
                row = orders[order.key] = _order.encode(order)
                row[_VERSION] = self._order_versions.get(order.key, 0) + 1
                if booking.waits is not None:
                    waits[order.key] = booking.waits
        self._made |= orders.keys()
        self._add(model.Order, [row for key, row in orders.items() if key not in known])
        self._put(model.Order, [row for key, row in orders.items() if key in known])
        self._add(model.Line, new)
        self._put(model.Line, old)
        self._write(self._database.sql.drop_waits, sorted(waits.keys() & known))
        self._put(model.Wait, [_wait.encode(wait) for kept in waits.values() for wait in kept])

    def _allocate(self, allocations: Sequence[model.Allocation]) -> None:
        units, events = self._given[model.Unit], self._given[model.Event]
        found = self._numbered(model.Allocation, [rules.traced(row, units) for row in allocations])
        for row in chain(*found):
            row[_ALLOCATION_EVENT] = _real(row[_ALLOCATION_EVENT], events, "Allocation")
        self._write_numbered(model.Allocation, found)

    def _write_numbered(self, record: type[Any], found: tuple[Sequence[Row], Sequence[Row]]) -> None:
        new, old = found
        self._add(record, new)
        self._put(record, old)

    def _numbered(self, record: type[Any], kept: Iterable[Any]) -> tuple[list[Row], list[Row]]:
        """Return the rows of new records, which get an id, and those of old ones."""
        given = self._given[record]
        new, old = [], []
        for row in map(shape(record).encode, kept):
            placeholder = row[0]
            if 0 < placeholder < _NEW:
                old.append(row)
            else:
                row[0] = given[placeholder] = self._number(record)
                new.append(row)
        return new, old

    def _take_unit(self, unit: model.Unit) -> int:
        row = _unit.encode(unit)
        for field in RECORDS[model.Unit].folded:
            if (written := getattr(unit, field)) is not None:
                self._spelt.add((field, model.fold(written), written))
        moved = self._moved(unit.sku)
        moved.remade = True
        if 0 < unit.id < _NEW:
            if unit.id not in self._quantities:
                rules.known_unit(None, unit.id)
            if unit.id in self._fresh:
                row[_QUANTITY] = 0
                self._fresh[unit.id] = row
            else:
                self._moved(self._skus[unit.id]).remade = True
                self._amended[unit.id] = [*row[1:_QUANTITY], *row[_QUANTITY + 1 :], unit.id]
            return unit.id
        number = row[0] = self._number(model.Unit)
        self._fresh[number] = row
        self._skus[number], self._quantities[number] = unit.sku, 0
        if unit.suspense:
            self._suspense.add(number)
        return number

    def _moved(self, sku: str) -> Moved:
        moved = self.moved.get(sku)
        if moved is None:
            before = self._versions.get(sku, 0)
            moved = self.moved[sku] = Moved(before, before + 1)
        return moved

    def _move(self, movements: Sequence[model.Movement]) -> None:
        quantities, encode = self._quantities, _move.encode
        units, events, allocations, moves = (
            self._given[record] for record in (model.Unit, model.Event, model.Allocation, model.Movement)
        )
        found = []
        for movement in movements:
            row = encode(movement)
            if 0 < row[0] < _NEW:
                rules.refuse_rewriting(row[0])
            row[0] = moves[movement.id] = self._number(model.Movement)
            number = row[_UNIT] if row[_UNIT] < _NEW else _real(row[_UNIT], units, "Movement")
            if number not in quantities:
                rules.known_unit(None, number)
            row[_UNIT] = number
            row[_BALANCE] = quantities[number] = quantities[number] + row[_DELTA]
            self._touched.add(number)
            self._moved(movement.sku).quantities[number] = row[_BALANCE]
            row[_MOVE_EVENT] = _real(row[_MOVE_EVENT], events, "Movement")
            row[_MOVE_ALLOCATION] = _real(row[_MOVE_ALLOCATION], allocations, "Movement")
            found.append(row)
        for row in found:
            row[_REVERSES] = _real(row[_REVERSES], moves, "Movement")
        self._add(model.Movement, found)

    def _write_units(self) -> None:
        sql, quantities = self._database.sql, self._quantities
        for number in self._touched:
            suspense = number in self._suspense
            rules.refuse_below_zero(number, self._skus[number], quantities[number], suspense=suspense)
        for number, row in self._fresh.items():
            row[_QUANTITY] = quantities[number]
        self._add(model.Unit, list(self._fresh.values()))
        self._write(sql.amend_unit, list(self._amended.values()))
        self._write(sql.spell, sorted(self._spelt))
        self._write(
            sql.unit_moves, [(quantities[number], number) for number in sorted(self._touched - self._fresh.keys())]
        )
        self._write(sql.bump, [("item", sku) for sku in sorted(self.moved)])

    # --- into the tables

    def _add(self, record: type[Any], found: Sequence[Row]) -> None:
        self._database.add(self._connection, record, found)

    def _put(self, record: type[Any], found: Sequence[Row]) -> None:
        self._database.put(self._connection, record, found)

    def _write(self, statement: str, found: Sequence[Sequence[Any]]) -> None:
        self._database.write(self._connection, statement, found)

    def _number(self, record: type[Any]) -> int:
        return self._numbers.next(TABLES[record].name)


def _placeholders(bookings: Sequence[model.Booking]) -> dict[type[Any], list[int]]:
    """Return the ids of new records: placeholders, or 0 for one that nothing refers to."""
    return {
        record: [row.id for booking in bookings for row in get(booking) if not 0 < row.id < _NEW]
        for record, get in _KEPT.items()
    }


def _unique(placeholders: Sequence[int]) -> bool:
    named = list(filter(None, placeholders))
    return len(set(named)) == len(named)


def _real(value: Any, given: dict[int, int], what: str) -> Any:
    return value if value is None or value < _NEW else rules.real(value, given, what)
