"""The store in this process's memory: the whole interface in dicts, for tests and trials. Nothing outlives it."""

import builtins
import threading
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, NoReturn

from stockhook.plugin import Arrival, Catalogue, Due, PluginOptions, Range, Refused, Stock, Store, hookimpl, model
from stockhook_plugins.stores import bookings as rules
from stockhook_plugins.stores.bodies import drop, old, unneeded
from stockhook_plugins.stores.claims import Claims
from stockhook_plugins.stores.layers import Committed, Layer


@dataclass(frozen=True, slots=True)
class _Version:
    sku: str
    number: int


class _Call(NamedTuple):
    touched: dict[int, model.Unit]
    moved: set[str]
    ids: dict[type, dict[int, int]]


_KEYS: Final = {model.Body: ("digest",), _Version: ("sku",)}
_INDEXES: Final = {model.Line: (("account", "order_id"),), model.Wait: (("account", "order_id"),)}


class _Read(Layer):
    """One view of the rows; the methods are those of ``Read``."""

    def orders(self, keys: Collection[model.OrderKey]) -> dict[model.OrderKey, model.OrderState]:
        with self._rows.mutex:
            return {key: state for key in keys if (state := self._order(key)) is not None}

    def _order(self, key: model.OrderKey) -> model.OrderState | None:
        order = self.get(model.Order, *key)
        if order is None:
            return None
        mine = {"account": key.account, "order_id": key.order_id}
        consumed = self.select(model.Movement, {**mine, "kind": model.MovementKind.CONSUMPTION})
        return model.OrderState(
            order,
            tuple(sorted(self.select(model.Line, mine), key=lambda row: row.number)),
            tuple(self._take(row) for row in sorted(consumed, key=lambda row: row.id)),
            tuple(sorted(self.select(model.Shortage, mine), key=lambda row: row.id)),
            tuple(sorted(self.select(model.Wait, mine), key=lambda row: (row.kind, row.subject))),
        )

    def _take(self, row: model.Movement) -> model.Take:
        unit = rules.known_unit(self.get(model.Unit, row.unit_id), row.unit_id)
        return rules.take(row, self.select(model.Movement, {"reverses": row.id}), suspense=unit.suspense)

    def catalogue(self, codes: Collection[tuple[str, str]], skus: Collection[str] = ()) -> Catalogue:
        asked = {(account, code) for each, code in codes for account in (each, "")}
        with self._rows.mutex:
            aliases = {key: found for key in asked if (found := self.get(model.Alias, *key)) is not None}
            items = {model.fold(row.sku): row for row in self.select(model.Item, {})}
            kits = {model.fold(row.sku): row for row in self.select(model.Kit, {})}
        named = [*(code for _, code in codes), *(row.sku for row in aliases.values() if row.sku), *skus]
        waiting, reached = {model.fold(name) for name in named}, set[str]()
        while waiting:
            reached |= waiting
            parts = {model.fold(part.sku) for code in waiting if code in kits for part in kits[code].parts}
            waiting = parts - reached
        found_kits = {code: kits[code] for code in reached if code in kits}
        return Catalogue(aliases, {code: items[code] for code in reached if code in items}, found_kits)

    def units(self, skus: Collection[str]) -> Stock:
        with self._rows.mutex:
            found = [row for sku in set(skus) for row in self.select(model.Unit, {"sku": sku})]
            units = sorted((row for row in found if row.quantity or row.held or row.suspense), key=lambda row: row.id)
            paths = {row.location for row in units}
            places = {path: place for path in paths if (place := self.get(model.Location, path)) is not None}
            counts = self.select(model.Count, {"sku": frozenset(skus)})
            return Stock(tuple(units), places, {sku: self._version(sku) for sku in skus}, tuple(counts))

    def _version(self, sku: str) -> int:
        found = self.get(_Version, sku)
        return found.number if found else 0

    def due(self, now: datetime, most: int) -> Due:
        waiting = self.select(model.Order, {"due_at": Range(high=now)}) + self.select(model.Order, {"due_at": now})
        waiting.sort(key=lambda row: (row.due_at, row.key))
        pending = self.select(model.Delivery, {"state": model.DeliveryState.PENDING})
        pending = [row for row in pending if row.due_at is None or row.due_at <= now]
        pending.sort(key=lambda row: (row.due_at or row.received_at, row.id))
        return Due(tuple([row.key for row in waiting[:most]]), tuple(pending[:most]))

    def body(self, delivery: int) -> bytes | None:
        with self._rows.mutex:
            row = self.get(model.Delivery, delivery)
            body = self.get(model.Body, row.digest) if row else None
        if body is None:
            return None
        return zlib.decompress(body.data) if body.codec == "zlib" else body.data


class _Work(_Read):
    """Rows written in a layer of their own until the commit; the methods are those of ``Work``."""

    def __init__(self, rows: Committed, writer: threading.Lock, claims: Claims) -> None:
        super().__init__(rows)
        self._writer = writer
        self._claims = claims
        self._mine: set[Any] = set()
        self._writing = False

    def _begin(self) -> None:
        if not self._writing:
            self._writer.acquire()
            self._writing = True

    def end(self) -> None:
        self._claims.release(self._mine)
        if self._writing:
            self._writer.release()

    def claim(self, now: datetime, most: int) -> Due:
        with self._claims.mutex:
            return self._claims.take(self.due(now, most + len(self._claims.taken)), self._mine, most)

    def hold(self, keys: Collection[model.OrderKey]) -> frozenset[model.OrderKey]:
        return self._claims.hold(keys, self._mine)

    def save(self, records: Sequence[Any]) -> None:
        for row in records:
            rules.refuse_booked(row)
        self._begin()
        self._keep(records, defaultdict(dict))

    def _keep(self, records: Sequence[Any], ids: dict[type, dict[int, int]]) -> None:
        """Write records, the new ones with an id, their placeholders resolved."""
        numbered = []
        for row in records:
            if self._rows.keys[type(row)] == ("id",) and not 0 < row.id < model.NEW:
                number = ids[type(row)][row.id] = self._rows.number(type(row))
                row = replace(row, id=number)  # noqa: PLW2901 - the numbered one takes its place
            numbered.append(row)
        for row in numbered:
            fields = rules.REFERENCES.get(type(row), ())
            given = {name: rules.real(getattr(row, name), ids[to], type(row).__name__) for name, to in fields}
            if isinstance(row, model.Order):
                kept = rules.known_order(self.get(model.Order, *row.key), row.key)
                self.put(replace(kept, due_at=row.due_at, attempts=row.attempts))
            else:
                self.put(replace(row, **given))

    def forget(self, records: Sequence[Any]) -> None:
        for row in records:
            rules.refuse_forgetting(row)
        self._begin()
        for row in records:
            self.drop(row)

    def book(self, bookings: Sequence[model.Booking]) -> frozenset[model.OrderKey | None]:
        self._begin()
        keys = {each.order.key for each in bookings if each.order}
        orders = {key: order.version for key in keys if (order := self.get(model.Order, *key)) is not None}
        items = {sku: self._version(sku) for each in bookings for sku in each.items}
        good, void = rules.standing(bookings, orders, items)
        call = _Call({}, set(), defaultdict(dict))
        for booking in good:
            self._book(booking, orders, call)
        for unit in call.touched.values():
            rules.refuse_below_zero(unit.id, unit.sku, unit.quantity, suspense=unit.suspense)
            self.put(unit)
        for sku in call.moved:
            self.put(_Version(sku, self._version(sku) + 1))
        return void

    def _book(self, booking: model.Booking, orders: Mapping[Any, int], call: _Call) -> None:
        order, ids = booking.order, call.ids
        if order:
            self.put(replace(order, version=orders.get(order.key, 0) + 1))
        if order and booking.waits is not None:
            for wait in self.select(model.Wait, {"account": order.account, "order_id": order.order_id}):
                self.drop(wait)
        for row in (*booking.lines, *(booking.waits or ())):
            self.put(row)
        for unit in booking.units:
            new = not 0 < unit.id < model.NEW
            number = ids[model.Unit][unit.id] = self._rows.number(model.Unit) if new else unit.id
            quantity = 0 if new else self._unit(number, call).quantity
            call.touched[number] = replace(unit, id=number, quantity=quantity)
            call.moved.add(unit.sku)
        self._keep(booking.events, ids)
        self._keep([rules.traced(row, ids[model.Unit]) for row in booking.allocations], ids)
        self._keep([self._move(row, call) for row in booking.movements], ids)
        self._keep(booking.shortages, ids)
        call.moved.update(row.sku for row in booking.movements)

    def _move(self, row: model.Movement, call: _Call) -> model.Movement:
        rules.refuse_rewriting(row.id)
        unit = self._unit(rules.real(row.unit_id, call.ids[model.Unit], "Movement") or 0, call)
        call.touched[unit.id] = replace(unit, quantity=unit.quantity + row.quantity)
        return replace(row, balance_after=call.touched[unit.id].quantity)

    def _unit(self, number: int, call: _Call) -> model.Unit:
        return call.touched.get(number) or rules.known_unit(self.get(model.Unit, number), number)


class MemoryStore:
    """Keeps everything in dicts for as long as the object lives; ``close`` loses nothing, the process's end all."""

    type: ClassVar[str] = "memory"
    Options: ClassVar[builtins.type[PluginOptions]] = PluginOptions

    def __init__(self, _options: PluginOptions | None = None) -> None:
        self._rows = Committed(_KEYS, _INDEXES)
        self._writer = threading.Lock()
        self._claims = Claims()
        self._served = False
        self._closed = threading.Event()

    def open(self) -> None:
        """Do nothing: memory is there."""
        self._closed.clear()

    def serve(self) -> None:
        """Claim the store for one daemon."""
        if self._served:
            raise Refused("this memory store already serves a daemon; a second one needs a store of its own")
        self._served = True

    def close(self) -> None:
        """Let another daemon serve, and wake whoever waits."""
        self._served = False
        self._closed.set()

    def leads(self, job: str) -> bool:  # noqa: ARG002 - one process has it all
        """Tell that this process runs every job."""
        return True

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Keep deliveries and return their ids."""
        layer = Layer(self._rows)
        with self._writer:
            rows = [replace(each.delivery, id=self._rows.number(model.Delivery)) for each in arrivals]
            for row in (*rows, *(each.body for each in arrivals)):
                layer.put(row)
            layer.commit()
        return [row.id for row in rows]

    @contextmanager
    def read(self) -> Iterator[_Read]:
        """Open a view that later commits do not change."""
        view = _Read(self._rows)
        with self._rows.mutex:
            self._rows.snapshots.add(view)
        try:
            yield view
        finally:
            with self._rows.mutex:
                self._rows.snapshots.discard(view)

    @contextmanager
    def write(self) -> Iterator[_Work]:
        """Open a unit of work."""
        work = _Work(self._rows, self._writer, self._claims)
        try:
            yield work
            work.commit()
        finally:
            work.end()

    def wait(self, seconds: float) -> bool:
        """Wait; no other process can change this store."""
        self._closed.wait(seconds)
        return False

    def prune(self, before: datetime, most: int) -> int:
        """Remove bodies that no delivery since ``before`` has."""
        return drop(self._rows, self._writer, lambda layer: old(layer, before)[:most])

    def erase(self, digests: Collection[bytes]) -> int:
        """Remove these bodies, but for those that are still to be worked."""
        return drop(self._rows, self._writer, lambda layer: unneeded(layer, digests))

    def backup(self, path: Path, progress: object = None) -> NoReturn:  # noqa: ARG002 - the interface has them
        """Refuse: there is no file to copy."""
        raise Refused('the memory store cannot be backed up; choose type = "sqlalchemy" in [store]')


@hookimpl
def stockhook_register_stores() -> list[type[Store]]:
    """Offer the memory store."""
    return [MemoryStore]
