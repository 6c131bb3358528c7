"""A shop with years behind it, written straight into a new SQLite store: what has grown, without the growing.

``python tests/benchmarks/ledger.py CONFIG [--movements N] [--orders N] [--units N]``; CONFIG names a store that holds
nothing yet. The history is whole: each order with its delivery, its event, its lines, the decision for each line and
what it moved, each unit with its receipt, so that ``stockhook verify`` holds. Its units are used up or written off; at
the end stands the same stock that ``scene.stock`` makes, so that a new order finds as much to choose from as in a shop
that has just begun.
"""

import argparse
import hashlib
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import scene

from stockhook import model, settings
from stockhook.quantity import ONE
from stockhook.testing import payloads
from stockhook_plugins.stores.sqlalchemy.rows import shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

ACCOUNT = "ultracart:DEMO"
PAYLOADS = timedelta(days=30)
"""How long payloads are kept as shipped: older deliveries have none any more."""

_YEARS = timedelta(days=730)
_PLACE = "MAIN/FG"
_SLACK = 100
"""One movement in so many is kept back from orders: to write off what is left, and to count once more."""
_OPEN = 5
"""Units of an item that have pieces left at a time, at most."""
_FLUSH = 50_000


@dataclass(slots=True)
class Lying:
    """A unit of the history with pieces left."""

    unit: model.Unit
    left: int


class History:
    """Makes the records of the past, in their order; ``put`` takes each, ``bodies`` those payloads that are kept."""

    def __init__(self, put: Any, orders: int, movements: int, units: int, now: datetime) -> None:
        """Take how much there is to be in the end, the stock of ``scene.stock`` included."""
        self._put = put
        self._orders = orders
        self._movements = movements - scene.ITEMS * scene.UNITS
        self._units = units - scene.ITEMS * scene.UNITS
        self._takes = self._movements - self._units - movements // _SLACK
        if self._takes < orders * scene.LINES:
            raise ValueError(f"{movements} movements are too few for {orders} orders and {units} units")
        self._now = now
        self._shelf: dict[str, deque[Lying]] = defaultdict(deque)
        self._last: dict[type, int] = defaultdict(int)
        self._finished: list[model.Unit] = []
        self.moved: dict[str, int] = defaultdict(int)

    def write(self) -> Iterator[tuple[int, bytes, datetime]]:
        """Put all records, and yield (delivery id, body, received at) for each payload that is still kept."""
        start = self._now - _YEARS
        step = (_YEARS - timedelta(hours=2)) / self._orders
        lines = self._orders * scene.LINES
        at = 0
        for number in range(self._orders):
            received = start + number * step
            pieces = []
            for _ in range(scene.LINES):
                pieces.append(self._takes * (at + 1) // lines - self._takes * at // lines)
                at += 1
            body = self._order(number, received, pieces)
            if body is not None:
                yield self._last[model.Delivery], body, received
        self._write_off(self._now - timedelta(hours=1))

    def _order(self, number: int, received: datetime, pieces: list[int]) -> bytes | None:
        order_id = f"DEMO-PAST-{number:08}"
        shipped = received - timedelta(minutes=20)
        wanted = [(scene.sku((number * 7 + line * 13) % scene.ITEMS), each) for line, each in enumerate(pieces)]
        written = [payloads.line(sku, each, shipped=shipped.isoformat()) for sku, each in wanted]
        keeps = received > self._now - PAYLOADS
        body = payloads.envelope(payloads.order_ship(order_id, written)) if keeps else order_id.encode()
        delivery, event = self._next(model.Delivery), self._next(model.Event)
        said = model.Said(shipped, delivery, 0)
        digest, done = hashlib.sha256(body).digest(), model.DeliveryState.WORKED
        headers = (("content-type", "application/json"),)
        put = self._put
        put(model.Delivery(delivery, "shop", received, "192.0.2.1", headers, digest, len(body), done, events=1))
        told = "booked " + ", ".join(f"{each} of {sku}" for sku, each in wanted)
        applied = model.EventState.APPLIED
        put(
            model.Event(
                event, delivery, 0, "shop", ACCOUNT, "order_ship", order_id, applied, None, 0, received, received, told
            )
        )
        put(model.Order(ACCOUNT, order_id, 1, "shop", said, "Shipping Department", first_ship_at=received))
        for line, (sku, each) in enumerate(wanted, start=1):
            binding = model.Binding(sku, model.How.PLAIN, (model.Part(sku, ONE),))
            facts = {"center": "DFLT", "ship_said": said, "shipped_at": shipped, "ship_date": shipped.date()}
            put(model.Line(ACCOUNT, order_id, line, line, sku, each * ONE, said, binding=binding, **facts))
            self._allocate(order_id, line, sku, each, received, event)
        return body if keeps else None

    def _allocate(self, order_id: str, line: int, sku: str, pieces: int, at: datetime, event: int) -> None:
        """Take a piece each of as many units."""
        shelf = self._shelf[sku]
        while len(shelf) < pieces:
            shelf.append(self._receive(sku, at))
        allocation = self._next(model.Allocation)
        offered = len(shelf)
        taken = []
        for lying in [shelf.popleft() for _ in range(pieces)]:
            unit = lying.unit
            why = f"lot {unit.lot}"
            taken.append(model.TraceUnit(unit.id, unit.location, unit.lot, lying.left * ONE, ONE, why))
            lying.left -= 1
            source = {"account": ACCOUNT, "order_id": order_id, "line": line, "event_id": event}
            self._move(lying, "consumption", -1, at, "worker", allocation_id=allocation, **source)
            if lying.left:
                shelf.append(lying)
            else:
                self._finish(lying)
        trace = model.Trace("any location", "history", "1", {}, offered, {}, tuple(taken), ())
        row = model.Allocation(allocation, ACCOUNT, order_id, line, sku, at, event, pieces * ONE, pieces * ONE, trace)
        self._put(row)

    def _receive(self, sku: str, at: datetime) -> Lying:
        """Receive the next unit: all of them together hold a little more than what is taken."""
        number = self._next(model.Unit)
        used_up = max(1, self._units - scene.ITEMS * _OPEN)
        pieces = -(-self._takes // used_up)
        unit = model.Unit(number, sku, _PLACE, 0, pieces * ONE, at - timedelta(days=1), f"P{number:06}")
        lying = Lying(unit, pieces)
        self._move(lying, "receipt", pieces, at, "cli:past")
        return lying

    def _write_off(self, at: datetime) -> None:
        """Bring the units to their number and all of them to nothing, and the movements to theirs by recounts."""
        lying = [each for shelf in self._shelf.values() for each in shelf]
        while self._last[model.Unit] < self._units:
            lying.append(self._receive(scene.sku(self._last[model.Unit] % scene.ITEMS), at))
        for each in lying:
            pieces, each.left = each.left, 0
            self._move(each, "adjustment", -pieces, at, "cli:past", reason="written off")
        last = lying[0]
        while self._last[model.Movement] < self._movements:
            change = 1 if not last.left else -1
            last.left += change
            self._move(last, "adjustment", change, at, "cli:past", reason="counted")
        for each in lying:
            self._finish(each)

    def _finish(self, lying: Lying) -> None:
        unit = lying.unit
        known = (unit.id, unit.sku, unit.location, lying.left * ONE, unit.received, unit.received_at, unit.lot)
        self._put(model.Unit(*known))

    def _move(self, lying: Lying, kind: str, pieces: int, at: datetime, actor: str, **more: Any) -> None:
        unit = lying.unit
        number = self._next(model.Movement)
        what = (number, unit.id, unit.sku, model.MovementKind(kind), pieces * ONE, at, actor, lying.left * ONE)
        self._put(model.Movement(*what, **more))
        self.moved[unit.sku] += 1

    def _next(self, record: type) -> int:
        self._last[record] += 1
        return self._last[record]


def fill(config: Path, *, movements: int = 1_000_000, orders: int = 100_000, units: int = 50_000) -> None:
    """Write a history into the empty store of a configuration, and receive today's stock behind it."""
    loaded = settings.load(config)
    loaded.store.open()
    with loaded.store.write() as work:
        work.save([*(model.Item(scene.sku(number)) for number in range(scene.ITEMS)), model.Location(_PLACE)])
    loaded.store.close()
    connection = sqlite3.connect(loaded.store.path, isolation_level=None)
    if connection.execute("SELECT EXISTS (SELECT 1 FROM movement)").fetchone()[0]:
        raise SystemExit(f"{loaded.store.path} holds movements already")
    for pragma in ("journal_mode=off", "synchronous=off", "cache_size=-200000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    _write(connection, orders, movements, units)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=wal")
    connection.close()
    scene.stock(config)


def _write(connection: sqlite3.Connection, orders: int, movements: int, units: int) -> None:
    waiting: dict[type, list[Any]] = defaultdict(list)

    def flush() -> None:
        for record, rows in waiting.items():
            names = shape(record).names
            marks = ", ".join("?" * len(names))
            into = f"INSERT INTO {TABLES[record].name} ({', '.join(names)}) VALUES ({marks})"
            connection.executemany(into, rows)
            rows.clear()

    encode = {record: shape(record).encode for record in TABLES}

    def put(record: Any) -> None:
        rows = waiting[type(record)]
        rows.append(encode[type(record)](record))
        if len(rows) >= _FLUSH:
            flush()

    history = History(put, orders, movements, units, datetime.now(UTC))
    micros = shape(model.Delivery).by_name["received_at"].bind
    for number, (_, body, received) in enumerate(history.write(), start=1):
        kept = (number, hashlib.sha256(body).digest(), "identity", len(body), body)
        connection.execute("INSERT INTO body (id, digest, codec, size, data) VALUES (?, ?, ?, ?, ?)", kept)
        connection.execute("INSERT INTO body_use (id, received_at) VALUES (?, ?)", (number, micros(received)))
    flush()
    connection.executemany("INSERT INTO version VALUES ('item', ?, ?)", history.moved.items())


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill an empty SQLite store with a history.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--movements", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--units", type=int, default=50_000)
    given = parser.parse_args()
    fill(given.config, movements=given.movements, orders=given.orders, units=given.units)


if __name__ == "__main__":
    main()
