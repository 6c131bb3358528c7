"""The peer's other half, RQ's job: one delivery is booked in one transaction, with SQLAlchemy Core on SQLite.

It writes the rows that the daemon and the hand-written loop write, into tables of the same form, and as durably (WAL,
``synchronous=FULL``). A body that came before is booked once.
"""

import hashlib
import os
from collections import defaultdict
from functools import cache
from typing import Any

from hand_loop import PUT, events_of, shelf_of, ship, skus_of
from sqlalchemy import Engine, bindparam, column, create_engine, event, select, table, text, update
from sqlalchemy.dialects.sqlite import insert

_TABLES = {name: table(name, *(column(each) for each in columns.split())) for name, columns in PUT.items()}
_BODY = table("body", *(column(name) for name in ("digest", "codec", "size", "data")))
_BODY_USE = table("body_use", column("id"), column("received_at"))
_DELIVERY = table(
    "delivery",
    *(
        column(name)
        for name in ("id", "channel", "received_at", "peer", "headers", "digest", "size", "state", "attempts", "events")
    ),
)
_UNIT = table("unit", *(column(name) for name in ("id", "sku", "location", "quantity", "lot", "received_at")))
_VERSION = table("version", column("kind"), column("name"), column("number"))

_BODY_ONCE = insert(_BODY).on_conflict_do_nothing(index_elements=["digest"])
_OFFERED = (
    select(_UNIT)
    .where(_UNIT.c.sku.in_(bindparam("skus", expanding=True)), _UNIT.c.quantity > 0)
    .order_by(_UNIT.c.received_at, _UNIT.c.id)
)
_LEFT = update(_UNIT).where(_UNIT.c.id == bindparam("unit")).values(quantity=bindparam("left"))
_BUMP = insert(_VERSION).values(kind="item", number=1)
_BUMP = _BUMP.on_conflict_do_update(index_elements=["kind", "name"], set_={"number": _VERSION.c.number + 1})


@cache
def engine() -> Engine:
    """Return the engine of this process: made at its first job, since a connection does not live through a fork."""
    made = create_engine(f"sqlite:///{os.environ['PEER_DATABASE']}", connect_args={"timeout": 30})

    @event.listens_for(made, "connect")
    def durable(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=1"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def immediate(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return made


def work(channel: str, body: bytes, received: int) -> None:
    """Book one delivery."""
    digest = hashlib.sha256(body).digest()
    with engine().begin() as connection:
        kept = connection.execute(_BODY_ONCE, {"digest": digest, "codec": "identity", "size": len(body), "data": body})
        if not kept.rowcount:
            return
        last: dict[str, int] = dict(connection.execute(text("SELECT name, seq FROM sqlite_sequence")).all())
        number = last.get("delivery", 0) + 1
        events = events_of([(number, received, body)])
        skus = list(skus_of(events))
        shelf = shelf_of(connection.execute(_OFFERED, {"skus": skus}))
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        touched: dict[int, int] = {}
        for each in events:
            ship(each, shelf, rows, touched, last)
        connection.execute(insert(_BODY_USE), {"id": last["body"], "received_at": received})
        facts = {"id": number, "channel": channel, "received_at": received, "peer": "127.0.0.1", "headers": "[]"}
        done = {"digest": digest, "size": len(body), "state": "worked", "attempts": 0, "events": len(events)}
        connection.execute(insert(_DELIVERY), facts | done)
        for name, into in _TABLES.items():
            names = into.c.keys()
            connection.execute(insert(into), [dict(zip(names, row, strict=True)) for row in rows[name]])
        connection.execute(_LEFT, [{"unit": unit, "left": left} for unit, left in touched.items()])
        connection.execute(_BUMP, [{"name": sku} for sku in skus])
