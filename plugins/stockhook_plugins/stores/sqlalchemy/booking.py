"""Bookings to rows: one call is gathered per table and written with one statement each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from stockhook.plugin import RECORDS, model
from stockhook_plugins.stores import bookings as rules
from stockhook_plugins.stores.sqlalchemy.caches import Moved
from stockhook_plugins.stores.sqlalchemy.database import Database, Numbers, rows
from stockhook_plugins.stores.sqlalchemy.reading import by_account
from stockhook_plugins.stores.sqlalchemy.rows import Row, json_list, shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

_NEW: Final = model.NEW
_order, _unit, _move = shape(model.Order), shape(model.Unit), shape(model.Movement)
_allocation = shape(model.Allocation)
_VERSION: Final = _order.at["version"]
_QUANTITY: Final = _unit.at["quantity"]
_UNIT, _DELTA, _BALANCE = _move.at["unit_id"], _move.at["quantity"], _move.at["balance_after"]
_MOVE_EVENT, _MOVE_ALLOCATION, _REVERSES = _move.at["event_id"], _move.at["allocation_id"], _move.at["reverses"]
_ALLOCATION_EVENT: Final = _allocation.at["event_id"]


class Batch:
    """The good bookings of one call, on their way into the tables."""

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
        self._new: dict[type[Any], list[Row]] = defaultdict(list)
        self._rows: dict[type[Any], list[Row]] = defaultdict(list)
        self._made: set[model.OrderKey] = set()
        self._given: dict[type[Any], dict[int, int]] = defaultdict(dict)
        self._waits: dict[model.OrderKey, list[Row]] = {}

    def write(self, bookings: Sequence[model.Booking]) -> frozenset[model.OrderKey | None]:
        """Write what is not void, and return the keys of what is."""
        self._load_versions(bookings)
        good, void = rules.standing(bookings, self._order_versions, self._versions)
        self._load_units(good)
        self._numbers.reserve(_new(good))
        for booking in good:
            self._gather(booking)
        for number in self._touched:
            suspense = number in self._suspense
            rules.refuse_below_zero(number, self._skus[number], self._quantities[number], suspense=suspense)
        with self._database.queued(self._connection):
            self._flush()
        return void

    # --- what is there

    def _load_versions(self, bookings: Sequence[model.Booking]) -> None:
        keys = {booking.order.key for booking in bookings if booking.order is not None}
        for account, names in by_account(keys).items():
            for order_id, version in rows(
                self._connection, self._database.sql.order_versions, [account, json_list(names)]
            ):
                self._order_versions[model.OrderKey(account, order_id)] = version
        skus = {sku for booking in bookings for sku in booking.items}
        skus.update(move.sku for booking in bookings for move in booking.movements)
        skus.update(unit.sku for booking in bookings for unit in booking.units)
        self._versions.update(rows(self._connection, self._database.sql.item_versions, [json_list(skus)]))

    def _load_units(self, bookings: Sequence[model.Booking]) -> None:
        named = {move.unit_id for booking in bookings for move in booking.movements if move.unit_id < _NEW}
        named.update(unit.id for booking in bookings for unit in booking.units if 0 < unit.id < _NEW)
        if named:
            found = rows(self._connection, self._database.sql.unit_quantities, [json_list(named)])
            for number, sku, quantity, suspense in found:
                self._skus[number], self._quantities[number] = sku, quantity
                if suspense:
                    self._suspense.add(number)

    # --- one booking after the other

    def _gather(self, booking: model.Booking) -> None:
        order, found = booking.order, self._rows
        if order is not None:
            key = order.key
            if key not in self._order_versions and key not in self._made:
                self._made.add(key)
                found = self._new
            row = _order.encode(order)
            row[_VERSION] = self._order_versions.get(key, 0) + 1
            found[model.Order].append(row)
            if booking.waits is not None:
                self._waits[key] = list(map(shape(model.Wait).encode, booking.waits))
        found[model.Line].extend(map(shape(model.Line).encode, booking.lines))
        units = self._given[model.Unit]
        units.update({unit.id: self._take_unit(unit) for unit in booking.units})
        self._number_all(model.Event, booking.events)
        events = self._given[model.Event]
        for row in self._number_all(
            model.Allocation,
            [rules.traced(row, units) for row in booking.allocations] if units else booking.allocations,
        ):
            row[_ALLOCATION_EVENT] = _real(row[_ALLOCATION_EVENT], events, "Allocation")
        self._move(booking.movements)
        self._number_all(model.Shortage, booking.shortages)

    def _number_all(self, record: type[Any], kept: Iterable[Any]) -> list[Row]:
        """Encode records, give the new ones an id, and return their rows."""
        given, encoded = self._given[record], list(map(shape(record).encode, kept))
        for row in encoded:
            placeholder = row[0]
            if 0 < placeholder < _NEW:
                self._rows[record].append(row)
            else:
                row[0] = given[placeholder] = self._number(record)
                self._new[record].append(row)
        return encoded

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
        found, quantities, encode = self._new[model.Movement], self._quantities, _move.encode
        units, events, allocations, moves = (
            self._given[record] for record in (model.Unit, model.Event, model.Allocation, model.Movement)
        )
        ours = []
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
            ours.append(row)
        for row in ours:
            row[_REVERSES] = _real(row[_REVERSES], moves, "Movement")
        found.extend(ours)

    # --- into the tables

    def _flush(self) -> None:
        sql = self._database.sql
        self._write(sql.drop_waits, [key for key in self._waits if key in self._order_versions])
        self._rows[model.Wait] = [row for kept in self._waits.values() for row in kept]
        for number, row in self._fresh.items():
            row[_QUANTITY] = self._quantities[number]
        self._new[model.Unit] = list(self._fresh.values())
        for record, found in self._new.items():
            self._database.add(self._connection, record, found)
        self._write(sql.amend_unit, list(self._amended.values()))
        self._write(sql.spell, sorted(self._spelt))
        moves = [(self._quantities[number], number) for number in sorted(self._touched) if number not in self._fresh]
        self._write(sql.unit_moves, moves)
        for record, found in self._rows.items():
            self._database.put(self._connection, record, found)
        self._write(sql.bump, [("item", sku) for sku in sorted(self.moved)])

    def _write(self, statement: str, found: Sequence[Sequence[Any]]) -> None:
        self._database.write(self._connection, statement, found)

    def _number(self, record: type[Any]) -> int:
        return self._numbers.next(TABLES[record].name)


def _new(bookings: Sequence[model.Booking]) -> dict[str, int]:
    """Return how many new rows of each table these bookings bring."""
    kinds: dict[type[Any], list[Any]] = {
        model.Event: [row for booking in bookings for row in booking.events],
        model.Allocation: [row for booking in bookings for row in booking.allocations],
        model.Shortage: [row for booking in bookings for row in booking.shortages],
        model.Unit: [row for booking in bookings for row in booking.units],
        model.Movement: [row for booking in bookings for row in booking.movements],
    }
    return {
        TABLES[record].name: sum(not 0 < row.id < _NEW for row in found) for record, found in kinds.items() if found
    }


def _real(value: Any, given: dict[int, int], what: str) -> Any:
    return value if value is None or value < _NEW else rules.real(value, given, what)
