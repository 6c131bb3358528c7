"""What the store costs: microseconds per delivery appended, and per three-line event loaded, booked and committed.

``python tests/benchmarks/store_speed.py [EVENTS]``; the daemon's own figures come from ``make bench``.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from stockhook.model import NEW, Booking, DeliveryState, OrderKey, Unit
from stockhook.plugin import Store
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.stores.sqlalchemy import SqlStore

BATCH = 64
ITEMS = 60
UNITS = 10
LATER = START + timedelta(days=1)


def append(store: Store, rows: int) -> float:
    bodies = [os.urandom(2048) for _ in range(rows)]
    arrivals = [make.arrival(raw) for raw in bodies]
    start = time.perf_counter()
    for at in range(0, rows, 30):
        store.append(arrivals[at : at + 30])
    return (time.perf_counter() - start) / rows * 1e6


def stock(store: Store) -> None:
    with store.write() as work:
        work.save([make.item(f"SKU-{number}") for number in range(ITEMS)])
        work.save([make.location()])
        work.book([make.receipt(f"SKU-{at % ITEMS}", 10**6 * ONE) for at in range(ITEMS * UNITS)])


def shipment(order_id: str, skus: list[str], units: dict[str, list[Unit]], versions: dict[str, int]) -> Booking:
    """Make the booking of a three-line order, as the worker would plan it."""
    lines = tuple(make.line(order_id, number, code=sku) for number, sku in enumerate(skus))
    allocations = tuple(
        make.allocation(order_id, id=NEW + number, line=number, sku=sku, event_id=NEW)
        for number, sku in enumerate(skus)
    )
    moves = tuple(
        make.movement(
            units[sku][number % UNITS].id,
            id=NEW + number,
            sku=sku,
            account=make.ACCOUNT,
            order_id=order_id,
            line=number,
            event_id=NEW,
            allocation_id=NEW + number,
        )
        for number, sku in enumerate(skus)
    )
    return Booking(
        order=make.order(order_id),
        lines=lines,
        waits=(),
        events=(make.event(order_id=order_id),),
        allocations=allocations,
        movements=moves,
        items={sku: versions[sku] for sku in skus},
    )


def drain(store: Store, label: str) -> None:
    spent = dict.fromkeys(("claim", "load", "book", "commit"), 0.0)
    events = 0
    while True:
        marks = [time.perf_counter()]
        with store.write() as work:
            due = work.claim(LATER, BATCH)
            if not due:
                break
            for delivery in due.deliveries:
                work.body(delivery.id)
            marks.append(time.perf_counter())
            names = [f"DEMO-{delivery.id}" for delivery in due.deliveries]
            wanted = [
                [f"SKU-{(delivery.id * 7 + line * 5) % ITEMS}" for line in range(3)] for delivery in due.deliveries
            ]
            work.orders([OrderKey(make.ACCOUNT, name) for name in names])
            skus = {sku for each in wanted for sku in each}
            work.catalogue([(make.ACCOUNT, sku.lower()) for sku in skus])
            found = work.units(skus)
            marks.append(time.perf_counter())
            by_sku: dict[str, list[Unit]] = {sku: [] for sku in skus}
            for unit in found.units:
                by_sku[unit.sku].append(unit)
            bookings = [
                shipment(name, lines, by_sku, dict(found.versions)) for name, lines in zip(names, wanted, strict=True)
            ]
            done = [replace(delivery, state=DeliveryState.WORKED, events=1) for delivery in due.deliveries]
            marks.append(time.perf_counter())
            assert not work.book(bookings)
            work.save(done)
            marks.append(time.perf_counter())
        marks.append(time.perf_counter())
        events += len(names)
        for name, first, last in (("claim", 0, 1), ("load", 1, 2), ("book", 3, 4), ("commit", 4, 5)):
            spent[name] += marks[last] - marks[first]
    each = {name: seconds / events * 1e6 for name, seconds in spent.items()}
    parts = " ".join(f"{name} {micros:.0f}" for name, micros in each.items())
    print(f"{label}: {sum(each.values()):.0f} us per event of three lines ({parts})")


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as directory:
        options = SqlStore.Options.model_validate({"url": f"sqlite:///{Path(directory) / 'stock.db'}"})
        for label, store in (("sqlite", SqlStore(options)), ("memory", MemoryStore())):
            store.open()
            stock(store)
            print(f"{label}: {append(store, events):.0f} us per 2 KB delivery, 30 a commit")
            drain(store, label)
            store.close()


if __name__ == "__main__":
    main()
