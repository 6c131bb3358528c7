"""A shop with years behind it, written straight into a new SQLite store: what has grown, without the growing.

``python tests/benchmarks/ledger.py CONFIG [--movements N] [--orders N] [--units N]``; CONFIG names a store that holds
nothing yet. The history is whole: each order with its delivery, its event, its lines, the decision for each line and
what it moved, each unit with its receipt, so that ``stockhook verify`` holds. Some orders have a kit, some were
corrected by a person, and to some something was owed, and still is where they are young. Its units are used up or
written off; at the end stands the same stock that ``scene.stock`` makes, so that a new order finds as much to choose
from as in a shop that has just begun.
"""

import argparse
import hashlib
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import scene

from stockhook import model, settings
from stockhook.quantity import ONE
from stockhook.testing import payloads
from stockhook_plugins.stores.sqlalchemy.rows import shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES, spelling

ACCOUNT = "ultracart:DEMO"
PAYLOADS = timedelta(days=30)
"""How long payloads are kept as shipped: older deliveries have none any more."""

_YEARS = timedelta(days=730)
_PLACE = "MAIN/FG"
_SHORT = "insufficient-inventory"
_SLACK = 100
"""One movement in so many is kept back from orders: to write off what is left, and to count once more."""
_OPEN = 6
"""Units of an item that have pieces left at a time, at most."""
_NEXT = 5
"""Units that a trace names beside those that were taken, at most."""
_KIT, _CORRECTED, _OWED = 10, 50, 500
"""One order in so many has a kit, was corrected, or has a line of which nothing was there."""
_YOUNG = timedelta(days=90)
"""How long something stays owed before a person waives it."""
_RARE = tuple(f"RARE-{number}" for number in range(10))
"""Items that never came, but were sold."""
_FLUSH = 50_000


@dataclass(slots=True)
class Lying:
    """A unit of the history with pieces left."""

    unit: model.Unit
    left: int


@dataclass(frozen=True, slots=True)
class Sold:
    """A line of an order: what is said of it, how many pieces were taken, and what came of the rest."""

    code: str
    quantity: int
    taken: int
    how: model.How = model.How.PLAIN
    back: int = 0
    """Pieces that a person said have not left."""

    @property
    def owed(self) -> int:
        """Pieces that were not there."""
        return 0 if self.how is model.How.KIT else self.quantity - self.taken

    @property
    def flags(self) -> dict[str, Any]:
        """What the store says of a kit line, which is the first one, and of its components."""
        component = self.how is model.How.COMPONENT
        return {"kit": self.how is model.How.KIT, "component": component, "parent_index": 1 if component else None}

    @property
    def binding(self) -> model.Binding:
        """What the line is bound to."""
        parts = () if self.how is model.How.KIT else (model.Part(self.code, ONE),)
        return model.Binding(self.code, self.how, parts)


def sold(number: int, pieces: list[int]) -> list[Sold]:
    """Return the lines of an order, which take so many pieces in all."""
    codes = [scene.sku((number * 7 + line * 13) % scene.ITEMS) for line in range(len(pieces))]
    first, second, *others = zip(codes, pieces, strict=True)
    if number % _KIT == 0:
        half = first[1] // 2
        more = (second[1] + half, others[0][1] + first[1] - half)
        parts = [(second[0], more[0]), (others[0][0], more[1]), *others[1:]]
        return [
            Sold(f"SET-{number % 7}", 1, 0, model.How.KIT),
            *(Sold(code, each, each, model.How.COMPONENT) for code, each in parts),
        ]
    if number % _OWED == 1:
        rest = [(code, each) for code, each in (second, *others)]
        return [Sold(_RARE[number // _OWED % len(_RARE)], 1, 0), *(Sold(code, each, each) for code, each in rest)]
    back = 1 if number % _CORRECTED == 1 else 0
    return [Sold(*first, first[1], back=back), *(Sold(code, each, each) for code, each in (second, *others))]


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
        self._problems: dict[str, model.Problem] = {}
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
        for problem in self._problems.values():
            self._put(problem)

    def _order(self, number: int, received: datetime, pieces: list[int]) -> bytes | None:
        order_id = f"DEMO-PAST-{number:08}"
        shipped = received - timedelta(minutes=20)
        last = number + 1 == self._orders  # is owed something, however short the history
        lines = sold(_OWED + 1 if last else number, pieces)
        written = [
            payloads.line(each.code, each.quantity, index=at, shipped=shipped.isoformat(), **each.flags)
            for at, each in enumerate(lines, start=1)
        ]
        keeps = received > self._now - PAYLOADS
        body = payloads.envelope(payloads.order_ship(order_id, written)) if keeps else order_id.encode()
        delivery, event = self._next(model.Delivery), self._next(model.Event)
        said = model.Said(shipped, delivery, 0)
        digest, done = hashlib.sha256(body).digest(), model.DeliveryState.WORKED
        headers = (("content-type", "application/json"),)
        put = self._put
        put(model.Delivery(delivery, "shop", received, "192.0.2.1", headers, digest, len(body), done, events=1))
        told = "booked " + ", ".join(f"{each.taken} of {each.code}" for each in lines if each.taken)
        waits = received > self._now - _YOUNG and any(each.owed for each in lines)
        state, reason = (model.EventState.SHORT, _SHORT) if waits else (model.EventState.APPLIED, None)
        known = (event, delivery, 0, "shop", ACCOUNT, "order_ship", order_id)
        put(model.Event(*known, state, reason, 0, received, received, told))
        put(model.Order(ACCOUNT, order_id, 1, "shop", said, "Shipping Department", first_ship_at=received))
        facts = {"center": "DFLT", "ship_said": said, "shipped_at": shipped, "ship_date": shipped.date()}
        for line, each in enumerate(lines, start=1):
            more = {**facts, **each.flags, "binding": each.binding, "ruling": -each.back * ONE}
            put(model.Line(ACCOUNT, order_id, line, line, each.code, each.quantity * ONE, said, **more))
            if each.taken:
                self._allocate(order_id, line, each, received, event)
            if each.owed:
                self._owe(order_id, line, each, received, waits=waits)
        return body if keeps else None

    def _allocate(self, order_id: str, line: int, sold: Sold, at: datetime, event: int) -> None:
        """Take a piece each of as many units, and give back what was too many of the first."""
        sku, pieces = sold.code, sold.taken
        shelf = self._shelf[sku]
        while len(shelf) < pieces:
            shelf.append(self._receive(sku, at))
        allocation = self._next(model.Allocation)
        offered = len(shelf)
        chosen = [shelf.popleft() for _ in range(pieces)]
        taken = tuple(_traced(lying, ONE) for lying in chosen)
        passed_over = tuple(_traced(lying, 0) for lying in islice(shelf, _NEXT))
        back = sold.back
        for lying in chosen:
            lying.left -= 1
            source = {"account": ACCOUNT, "order_id": order_id, "line": line, "event_id": event}
            consumed = self._move(lying, "consumption", -1, at, "worker", allocation_id=allocation, **source)
            if back:
                back -= 1
                lying.left += 1
                self._move(lying, "reversal", 1, at, "cli:past", **source, reverses=consumed, reason="counted wrong")
                self._audit("orders correct", f"{ACCOUNT}/{order_id}", at, "counted wrong", line=str(line))
            if lying.left:
                shelf.append(lying)
            else:
                self._finish(lying)
        trace = model.Trace("any location", "history", "1", {}, offered, {}, taken, passed_over)
        row = model.Allocation(allocation, ACCOUNT, order_id, line, sku, at, event, pieces * ONE, pieces * ONE, trace)
        self._put(row)

    def _owe(self, order_id: str, line: int, sold: Sold, at: datetime, *, waits: bool) -> None:
        """Note what was not there: it still is owed, or a person has waived it."""
        owed, number = sold.owed * ONE, self._next(model.Shortage)
        rest = {} if waits else {"waived": owed, "reason": "never came", "actor": "cli:past"}
        known = (number, ACCOUNT, order_id, line, sold.code, owed)
        self._put(model.Shortage(*known, owed if waits else 0, at, **rest))
        if not waits:
            self._audit("problems waive", f"{_SHORT} of {sold.code}", at, "never came", order=order_id)
        if waits and sold.code not in self._problems:
            words = f"order {order_id} shipped {sold.owed} of {sold.code}, none of it could be found"
            named = (self._next(model.Problem), _SHORT, sold.code, model.ProblemState.OPEN, 1, at, at, words)
            self._problems[sold.code] = model.Problem(*named, "shop", ACCOUNT, order_id)

    def _audit(self, action: str, subject: str, at: datetime, reason: str, **details: str) -> None:
        """Note what a person did."""
        self._put(model.Audit(self._next(model.Audit), at, "cli:past", action, subject, reason, details))

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
            self._move(last, "count", change, at, "cli:past", reason="counted")
        for each in lying:
            self._finish(each)

    def _finish(self, lying: Lying) -> None:
        unit = lying.unit
        known = (unit.id, unit.sku, unit.location, lying.left * ONE, unit.received, unit.received_at, unit.lot)
        self._put(model.Unit(*known))

    def _move(self, lying: Lying, kind: str, pieces: int, at: datetime, actor: str, **more: Any) -> int:
        unit = lying.unit
        number = self._next(model.Movement)
        what = (number, unit.id, unit.sku, model.MovementKind(kind), pieces * ONE, at, actor, lying.left * ONE)
        self._put(model.Movement(*what, **more))
        self.moved[unit.sku] += 1
        return number

    def _next(self, record: type) -> int:
        self._last[record] += 1
        return self._last[record]


def _traced(lying: Lying, taken: int) -> model.TraceUnit:
    unit = lying.unit
    return model.TraceUnit(unit.id, unit.location, unit.lot, lying.left * ONE, taken, f"lot {unit.lot}")


def fill(config: Path, *, movements: int = 1_000_000, orders: int = 100_000, units: int = 50_000) -> None:
    """Write a history into the empty store of a configuration, and receive today's stock behind it."""
    loaded = settings.load(config)
    loaded.store.open()
    with loaded.store.write() as work:
        skus = (*(scene.sku(number) for number in range(scene.ITEMS)), *_RARE)
        work.save([*(model.Item(sku) for sku in skus), model.Location(_PLACE)])
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
    connection.execute(f"INSERT INTO {spelling.name} SELECT 'lot', lower(lot), lot FROM {TABLES[model.Unit].name}")


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
