"""The hand-written loop on PostgreSQL: the daemon's own tables there, and psycopg as who knows it well would use it.

Rows go in by COPY, balances and versions by one statement each over arrays, the statements that come again are prepared
by psycopg itself. Batches are larger than on SQLite, where a commit costs no round trip.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg
from hand_loop import PUT, TABLES, events_of, shelf_of, ship, skus_of

BATCH = 256
_DUE = (
    "SELECT delivery.id, received_at, data FROM delivery JOIN body USING (digest)"
    " WHERE state = 'pending' ORDER BY delivery.id LIMIT %s"
)
_UNITS = (
    "SELECT id, sku, location, quantity, lot, received_at FROM unit"
    " WHERE sku = ANY (%s) AND quantity > 0 ORDER BY received_at, id"
)
_TAKE = (
    "UPDATE unit SET quantity = taken.quantity FROM unnest(%s::bigint[], %s::bigint[]) AS taken (id, quantity)"
    " WHERE unit.id = taken.id"
)
_BUMP = (
    "INSERT INTO version (kind, name, number) SELECT 'item', unnest(%s::text[]), 1"
    " ON CONFLICT (kind, name) DO UPDATE SET number = version.number + 1"
)
_DONE = "UPDATE delivery SET state = 'worked', due_at = NULL, events = 1 WHERE id = ANY (%s)"


def counts(url: str) -> dict[str, int]:
    """Return how many rows each table has that working events writes to, and the goods that left."""
    with psycopg.connect(url) as connection:

        def one(statement: str) -> int:
            [(found,)] = connection.execute(statement).fetchall()
            return int(found)

        found = {table: one(f"SELECT count(*) FROM {table}") for table in TABLES}
        found["worked"] = one("SELECT count(*) FROM delivery WHERE state = 'worked'")
        found["left"] = one("SELECT sum(quantity) FROM movement WHERE kind = 'consumption'")
    return found


def drain(url: str) -> float:
    """Work all that is pending and return the seconds it took; ``url`` is as psycopg reads it."""
    with psycopg.connect(url) as connection:
        last = {
            table: connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchall()[0][0]
            for table in ("event", "allocation", "movement")
        }
        connection.commit()
        began = time.perf_counter()
        while _batch(connection, last):
            pass
        return time.perf_counter() - began


def _batch(connection: "psycopg.Connection[Any]", last: dict[str, int]) -> bool:
    due = connection.execute(_DUE, (BATCH,)).fetchall()
    events = events_of(due)
    skus = list(skus_of(events))
    shelf = shelf_of(connection.execute(_UNITS, (skus,)))
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    touched: dict[int, int] = {}
    for event in events:
        ship(event, shelf, rows, touched, last)
    with connection.cursor() as cursor:
        for table, columns in PUT.items():
            with cursor.copy(f"COPY {table} ({', '.join(columns.split())}) FROM STDIN") as copy:
                for row in rows[table]:
                    copy.write_row(row)
    with connection.pipeline():
        _each(connection, (_TAKE, (list(touched), list(touched.values()))), (_BUMP, (skus,)))
        _each(connection, (_DONE, ([delivery for delivery, *_ in due],)))
        connection.commit()
    return bool(due)


def _each(connection: "psycopg.Connection[Any]", *statements: tuple[str, Sequence[Any]]) -> None:
    for statement, values in statements:
        connection.execute(statement, values)
