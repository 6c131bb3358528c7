"""The peer of the worker: a loop as one would write it by hand for this one task, on the daemon's own tables in SQLite.

It reads and writes what the daemon's worker does, batches of 64 in one commit each, with ``json.loads``, a list of
units per item and nothing checked: no aliases, kits, refunds, older snapshots, shortages, budgets or problems. How many
rows it leaves in each table is compared with what the daemon leaves (``counts``). What it writes for one event is used
by its sibling on PostgreSQL and by the job of the peer as well (hand_loop_postgres.py, peer_job.py).
"""

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BATCH = 64
ONE = 1_000_000
PASSED_OVER = 5
TABLES = ("shop_order", "order_line", "event", "allocation", "movement", "version", "unit")
PUT = {
    "shop_order": "account order_id version channel said stage test first_ship_at rejected linked attempts history"
    " rekeyed",
    "order_line": "account order_id number item_index code quantity said quantity_refunded center kit component lots"
    " serials places ship_said shipped_at ship_date refunds least_refunded inferred binding ruling refused",
    "event": "id delivery_id position channel account name order_id state attempts received_at finished_at text",
    "allocation": "id account order_id line sku at event_id need taken trace",
    "movement": "id unit_id sku kind quantity at actor balance_after account order_id line event_id allocation_id",
}
_UNITS = (
    "SELECT id, sku, location, quantity, lot, received_at FROM unit"
    " WHERE sku IN (SELECT value FROM json_each(?)) AND quantity > 0 ORDER BY received_at, id"
)
_DUE = (
    "SELECT delivery.id, received_at, data FROM delivery JOIN"
    " (SELECT digest, data FROM body) USING (digest) WHERE state = 'pending' ORDER BY delivery.id LIMIT ?"
)
_BUMP = "INSERT INTO version VALUES ('item', ?, 1) ON CONFLICT (kind, name) DO UPDATE SET number = version.number + 1"


def counts(database: Path) -> dict[str, int]:
    """Return how many rows each table has that working events writes to, and the goods that left."""
    with sqlite3.connect(database) as connection:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        found["worked"] = connection.execute("SELECT count(*) FROM delivery WHERE state = 'worked'").fetchone()[0]
        found["left"] = connection.execute("SELECT sum(quantity) FROM movement WHERE kind = 'consumption'").fetchone()[
            0
        ]
    return found


def drain(database: Path) -> float:
    """Work all that is pending and return the seconds it took."""
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=1"):
        connection.execute(f"PRAGMA {pragma}")
    last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
    began = time.perf_counter()
    while _batch(connection, last):
        pass
    spent = time.perf_counter() - began
    connection.close()
    return spent


def _batch(connection: sqlite3.Connection, last: dict[str, int]) -> bool:
    connection.execute("BEGIN IMMEDIATE")
    due = connection.execute(_DUE, (BATCH,)).fetchall()
    events = events_of(due)
    skus = skus_of(events)
    shelf = shelf_of(connection.execute(_UNITS, (json.dumps(list(skus)),)))
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    touched: dict[int, int] = {}
    for event in events:
        ship(event, shelf, rows, touched, last)
    for table, columns in PUT.items():
        marks = ", ".join("?" * len(columns.split()))
        insert = f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES ({marks})"
        connection.executemany(insert, rows[table])
    connection.executemany(
        "UPDATE unit SET quantity = ? WHERE id = ?", [(left, unit) for unit, left in touched.items()]
    )
    connection.executemany(_BUMP, [(sku,) for sku in skus])
    done = [(1, delivery) for delivery, *_ in due]
    connection.executemany("UPDATE delivery SET state = 'worked', due_at = NULL, events = ? WHERE id = ?", done)
    connection.execute("COMMIT")
    return bool(due)


def events_of(due: Sequence[tuple[int, int, bytes]]) -> list[Any]:
    """Return what deliveries hold, given as (id, received at, body), as ``ship`` takes it."""
    return [
        (delivery, received, position, name, order)
        for delivery, received, data in due
        for position, element in enumerate(json.loads(data)["events"])
        for name, order in element.items()
    ]


def skus_of(events: Sequence[Any]) -> set[str]:
    """Return what the events ask for."""
    return {item["merchant_item_id"] for *_, order in events for item in order["items"]}


def shelf_of(units: Iterable[Sequence[Any]]) -> dict[str, list[list[Any]]]:
    """Return the units of each item, first in first, as ``ship`` takes from them."""
    shelf = defaultdict(list)
    for unit in units:
        shelf[unit[1]].append(list(unit))
    return shelf


def ship(event: Any, shelf: Any, rows: Any, touched: dict[int, int], last: dict[str, int]) -> None:
    """Add what one event writes to ``rows`` by table, and to ``touched`` what its units have left."""
    delivery, received, position, name, order = event
    account, order_id = f"ultracart:{order['merchant_id']}", order["order_id"]
    now = time.time_ns() // 1000
    said = json.dumps([order["items"][0]["shipped_dts"], delivery, position])
    number = next_id(last, "event")
    head = (account, order_id, 1, "shop", said, order["current_stage"], 0, received, 0, 0, 0, "[]", "[]")
    rows["shop_order"].append(head)
    words = []
    for item in order["items"]:
        sku, index, quantity = item["merchant_item_id"], item["item_index"], item["quantity"] * ONE
        shipped = datetime.fromisoformat(item["shipped_dts"])
        micros = int(shipped.astimezone(UTC).timestamp()) * ONE
        binding = json.dumps({"code": sku, "how": "plain", "parts": [{"sku": sku, "quantity": ONE}]})
        center = item.get("distribution_center_code")
        pins = ("[]", "[]", "[]")
        facts = (sku, quantity, said, 0, center, 0, 0, *pins, said, micros, shipped.date().isoformat(), "[]", 0, 0)
        rows["order_line"].append((account, order_id, index, index, *facts, binding, 0, "[]"))
        decided = next_id(last, "allocation")
        offered = [unit for unit in shelf[sku] if unit[3] > 0]
        taken, left = [], quantity
        for unit in offered:
            part = min(left, unit[3])
            if not part:
                break
            taken.append({"unit_id": unit[0], "location": unit[2], "lot": unit[4], "available": unit[3], "taken": part})
            left -= part
            unit[3] -= part
            touched[unit[0]] = unit[3]
            moved = (next_id(last, "movement"), unit[0], sku, "consumption", -part, now, "worker", unit[3])
            rows["movement"].append((*moved, account, order_id, index, number, decided))
        passed = [
            {"unit_id": unit[0], "location": unit[2], "lot": unit[4], "available": unit[3], "taken": 0}
            for unit in offered[len(taken) : len(taken) + PASSED_OVER]
        ]
        trace = json.dumps({"strategy": "fifo", "offered": len(offered), "taken": taken, "passed_over": passed})
        goods = (quantity, quantity - left, trace)
        rows["allocation"].append((decided, account, order_id, index, sku, now, number, *goods))
        words.append(f"{(quantity - left) // ONE} of {sku}")
    what = (number, delivery, position, "shop", account, name, order_id, "applied", 0, received, now)
    rows["event"].append((*what, "booked " + ", ".join(words)))


def next_id(last: dict[str, int], table: str) -> int:
    """Return the next id of a table: nobody else writes."""
    last[table] = number = last.get(table, 0) + 1
    return number
