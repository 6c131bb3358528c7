"""The tables: one per record, with the record's fields as columns, and what the store itself must remember.

A change here, or of a record's fields, needs a migration (``migrations/draft.py`` drafts it); ``REVISION`` names the
one that makes these tables.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, event, func
from sqlalchemy.types import TypeEngine

from stockhook.plugin import RECORDS, model
from stockhook_plugins.stores.sqlalchemy.rows import shape

REVISION: Final = "0001"

metadata: Final = MetaData()

_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
_WORDS: Final = Text().with_variant(Text(collation="C"), "postgresql")  # ordered as everywhere else: by code point
_TYPES: Final[Mapping[type, TypeEngine[Any]]] = {int: _NUMBER, str: _WORDS, bytes: LargeBinary()}
_NAMES: Final[Mapping[type, str]] = {model.Order: "shop_order", model.Line: "order_line"}


def _table(record: type[Any]) -> Table[Any]:
    key = RECORDS[record].key
    numbered = key == ("id",)
    columns = (
        Column(
            column.name,
            _TYPES[column.kind],
            primary_key=column.name in key,
            nullable=column.nullable,
            autoincrement=numbered and column.name == "id",
        )
        for column in shape(record).columns
    )
    return Table(
        _NAMES.get(record, record.__name__.lower()),
        metadata,
        *columns,
        sqlite_strict=True,
        sqlite_autoincrement=numbered,
        sqlite_with_rowid=numbered,
    )


TABLES: Final[Mapping[type, Table[Any]]] = {record: _table(record) for record in RECORDS}
"""The table of each record."""

body: Final = Table(
    "body",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary(), nullable=False, unique=True),
    Column("codec", _WORDS, nullable=False),
    Column("size", _NUMBER, nullable=False),
    Column("data", LargeBinary(), nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""Payloads, each once."""

body_use: Final = Table(
    "body_use",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("received_at", _NUMBER, nullable=False),
    sqlite_strict=True,
)
"""When the youngest delivery with this body came: by number, since an index of digests costs a page a delivery."""

version: Final = Table(
    "version",
    metadata,
    Column("kind", _WORDS, primary_key=True),
    Column("name", _WORDS, primary_key=True),
    Column("number", _NUMBER, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""How often something was changed: ``item`` by sku, and the ``catalogue`` as a whole."""

folded: Final = {
    record: Table(
        f"folded_{record.__name__.lower()}",
        metadata,
        Column("code", _WORDS, primary_key=True),
        Column("sku", _WORDS, primary_key=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    for record in (model.Item, model.Kit)
}
"""Items and kits by the folded form of their sku."""

spelling: Final = Table(
    "spelling",
    metadata,
    Column("field", _WORDS, primary_key=True),
    Column("code", _WORDS, primary_key=True),
    Column("written", _WORDS, primary_key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""How lots and serial numbers were written, by ``field`` of the unit and by their folded form; none is ever removed."""


def _index(record: type[Any], *names: str, where: str | None = None, nullable: str | None = None) -> None:
    table = TABLES[record]
    condition = None
    if where is not None:
        condition = table.c[where.split("=")[0]] == where.split("=")[1]
    if nullable is not None:
        condition = table.c[nullable].is_not(None)
    options: dict[str, Any] = {} if condition is None else {"sqlite_where": condition, "postgresql_where": condition}
    Index(f"{table.name}_{'_'.join(names)}", *(table.c[name] for name in names), **options)


Index("body_use_received_at", body_use.c.received_at)
_index(model.Delivery, "channel")
_index(model.Event, "delivery_id")
_index(model.Event, "order_id", "account", nullable="order_id")
_index(model.Event, "state")
_index(model.Event, "channel")
_index(model.Order, "order_id")
_index(model.Order, "due_at", nullable="due_at")
_index(model.Line, "code")
_index(model.Wait, "kind", "subject")
_index(model.Alias, "code")
_index(model.Alias, "sku")
_index(model.Unit, "sku")
_index(model.Unit, "location")
_index(model.Unit, "lot", nullable="lot")
_index(model.Unit, "serial", nullable="serial")
_index(model.Movement, "order_id", "account", nullable="order_id")
_index(model.Movement, "reverses", nullable="reverses")
_index(model.Allocation, "order_id", "account")
_index(model.Shortage, "order_id", "account")
_index(model.Shortage, "sku")
_index(model.Problem, "kind", "subject")
_index(model.Notice, "problem_id")
_index(model.Notice, "kind", "subject")
_index(model.Audit, "action", "subject")
_index(model.Answered, "at")
_index(model.LogOut, "at")


def _sums() -> None:
    """Index movements with all that a sum up to one, or to a moment, takes: it reads nothing else, however long."""
    moves = TABLES[model.Movement].c
    Index("movement_sku", moves.sku, moves.id, moves.quantity)
    Index("movement_unit_id", moves.unit_id, moves.id, moves.quantity, moves.at)


def _open_states() -> None:
    """Index what is open or waiting and nothing else, so that asking for it costs what it finds."""
    deliveries, shortages = TABLES[model.Delivery], TABLES[model.Shortage]
    problems, notices = TABLES[model.Problem], TABLES[model.Notice]
    units = TABLES[model.Unit]
    suspended = units.c.suspense == 1
    pending = deliveries.c.state == model.DeliveryState.PENDING.value
    order = func.coalesce(deliveries.c.due_at, deliveries.c.received_at)
    opened = problems.c.state == model.ProblemState.OPEN.value
    waiting = notices.c.state == model.NoticeState.WAITING.value
    Index("delivery_pending", order, deliveries.c.id, sqlite_where=pending, postgresql_where=pending)
    Index("shortage_open", shortages.c.sku, sqlite_where=shortages.c.open > 0, postgresql_where=shortages.c.open > 0)
    Index("unit_suspense", units.c.id, sqlite_where=suspended, postgresql_where=suspended)
    Index("problem_open", problems.c.id, sqlite_where=opened, postgresql_where=opened)
    Index("problem_kind_open", problems.c.kind, sqlite_where=opened, postgresql_where=opened)
    Index("notice_waiting", notices.c.due_at, sqlite_where=waiting, postgresql_where=waiting)


_sums()
_open_states()

_NEVER: Final = "movements are never changed"
_FUNCTION: Final = (
    "CREATE FUNCTION movement_refused() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_NEVER}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
TRIGGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER movement_{verb}_refused BEFORE {verb} ON movement BEGIN SELECT RAISE(ABORT, '{_NEVER}'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        _FUNCTION,
        *(
            f"CREATE TRIGGER {name} BEFORE {verbs} ON movement FOR EACH {each} EXECUTE FUNCTION movement_refused()"
            for name, verbs, each in (
                ("movement_refused", "UPDATE OR DELETE", "ROW"),
                ("movement_kept", "TRUNCATE", "STATEMENT"),
            )
        ),
    ),
}
"""What holds promise 3 even against a person with a SQL prompt, by dialect."""

for _dialect, _triggers in TRIGGERS.items():
    for _trigger in _triggers:
        event.listen(TABLES[model.Movement], "after_create", DDL(_trigger).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
