"""The hot statements, compiled once from the tables; they run with plain tuples through ``exec_driver_sql``.

Parameters are positional, in the order in which they are written here; ``listed`` ones are JSON lists.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert

from stockhook.plugin import RECORDS, model
from stockhook_plugins.stores.sqlalchemy.rows import once, shape
from stockhook_plugins.stores.sqlalchemy.tables import TABLES, body, body_use, folded, version

_DIALECT: Final = sqlite.dialect(paramstyle="qmark")


def _sql(statement: Any) -> str:
    return str(statement.compile(dialect=_DIALECT))


def constant(value: str) -> ColumnElement[Any]:
    """Return one of our own words as a literal, which partial indexes can be matched with."""
    return literal_column(f"'{value}'")


def _listed(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_(select(func.json_each(bindparam(None)).table_valued("value").c.value))


def _whole(record: type[Any], *where: ColumnElement[bool]) -> Select[Any]:
    return select(TABLES[record]).where(*where)


def _of_orders(record: type[Any], *order_by: str) -> str:
    """Select what belongs to orders: parameters account, order ids."""
    table = TABLES[record]
    found = _whole(record, table.c.account == bindparam(None), _listed(table.c.order_id))
    return _sql(found.order_by(*(table.c[name] for name in order_by)))


def _takes() -> str:
    moves = TABLES[model.Movement]
    undo = moves.alias("undo")
    undone = select(func.coalesce(func.sum(undo.c.quantity), literal_column("0"))).where(
        undo.c.reverses == moves.c.id, undo.c.kind == constant(model.MovementKind.REVERSAL)
    )
    taken = literal_column("-movement.quantity", moves.c.quantity.type)
    names = ("order_id", "id", "unit_id", "line", "sku")
    found = select(*(moves.c[name] for name in names), taken, taken - undone.scalar_subquery()).where(
        moves.c.account == bindparam(None),
        _listed(moves.c.order_id),
        moves.c.kind == constant(model.MovementKind.CONSUMPTION),
    )
    return _sql(found.order_by(moves.c.id))


ORDERS: Final = _of_orders(model.Order)
ORDER_VERSIONS: Final = _sql(
    select(*(TABLES[model.Order].c[name] for name in ("order_id", "version"))).where(
        TABLES[model.Order].c.account == bindparam(None), _listed(TABLES[model.Order].c.order_id)
    )
)
LINES: Final = _of_orders(model.Line, "number")
SHORTAGES: Final = _of_orders(model.Shortage, "id")
WAITS: Final = _of_orders(model.Wait, "kind", "subject")
TAKES: Final = _takes()

CATALOGUE_VERSION: Final = _sql(
    select(version.c.number).where(version.c.kind == constant("catalogue"), version.c.name == constant(""))
)
ITEM_VERSIONS: Final = _sql(
    select(version.c.name, version.c.number).where(version.c.kind == constant("item"), _listed(version.c.name))
)
ALIASES: Final = _sql(_whole(model.Alias, _listed(TABLES[model.Alias].c.code)))
LOCATIONS: Final = _sql(_whole(model.Location, _listed(TABLES[model.Location].c.path)))
FOLDED: Final = {
    record: _sql(
        _whole(record, TABLES[record].c.sku == names.c.sku, _listed(names.c.code)).order_by(TABLES[record].c.sku.desc())
    )
    for record, names in folded.items()
}

_units = TABLES[model.Unit]
UNITS: Final = _sql(
    _whole(
        model.Unit,
        _listed(_units.c.sku),
        or_(_units.c.quantity != literal_column("0"), _units.c.held != literal_column("0")),
    ).order_by(_units.c.id)
)
UNIT_QUANTITIES: Final = _sql(select(_units.c.id, _units.c.sku, _units.c.quantity).where(_listed(_units.c.id)))
UNIT_MOVES: Final = _sql(update(_units).values(quantity=bindparam(None)).where(_units.c.id == bindparam(None)))

_deliveries, _orders = TABLES[model.Delivery], TABLES[model.Order]
_since = func.coalesce(_deliveries.c.due_at, _deliveries.c.received_at)
DUE_ORDERS: Final = _sql(
    select(_orders.c.account, _orders.c.order_id)
    .where(_orders.c.due_at <= bindparam(None))
    .order_by(_orders.c.due_at, _orders.c.account, _orders.c.order_id)
    .limit(bindparam(None))
)
DUE_DELIVERIES: Final = _sql(
    _whole(
        model.Delivery,
        _deliveries.c.state == constant(model.DeliveryState.PENDING),
        or_(_deliveries.c.due_at.is_(None), _deliveries.c.due_at <= bindparam(None)),
    )
    .order_by(_since, _deliveries.c.id)
    .limit(bindparam(None))
)
BODY: Final = _sql(
    select(body.c.codec, body.c.data).where(body.c.digest == _deliveries.c.digest, _deliveries.c.id == bindparam(None))
)
BODIES: Final = _sql(
    select(_deliveries.c.id, body.c.codec, body.c.data).where(
        body.c.digest == _deliveries.c.digest, _listed(_deliveries.c.id)
    )
)

RESCHEDULE: Final = _sql(
    update(_orders)
    .values(due_at=bindparam(None), attempts=bindparam(None))
    .where(_orders.c.account == bindparam(None), _orders.c.order_id == bindparam(None))
)
DROP_WAITS: Final = _sql(
    delete(TABLES[model.Wait]).where(
        TABLES[model.Wait].c.account == bindparam(None), TABLES[model.Wait].c.order_id == bindparam(None)
    )
)
BUMP: Final = _sql(
    insert(version)
    .values(kind=bindparam(None), name=bindparam(None), number=literal_column("1"))
    .on_conflict_do_update(index_elements=["kind", "name"], set_={"number": version.c.number + literal_column("1")})
)


@cache
def bodies_once(number: int) -> str:
    """Return the statement that keeps so many bodies, each unless it is there: digest, codec, size, data."""
    values: list[dict[str, Any]] = [
        {name: bindparam(None) for name in ("digest", "codec", "size", "data")} for _ in range(number)
    ]
    return _sql(insert(body).values(values).on_conflict_do_nothing(index_elements=["digest"]))


@cache
def deliveries_in(number: int) -> str:
    """Return the statement that inserts so many deliveries: the record's fields in order, one after the other."""
    return _sql(insert(TABLES[model.Delivery]).values([_values(model.Delivery) for _ in range(number)]))


LAST_IDS: Final = "SELECT name, seq FROM sqlite_sequence"

_seen = (
    select(body.c.id, func.max(_deliveries.c.received_at))
    .where(body.c.digest == _deliveries.c.digest, _deliveries.c.id.between(bindparam(None), bindparam(None)))
    .group_by(body.c.id)
)
_use = insert(body_use).from_select(["id", "received_at"], _seen)
BODY_SEEN: Final = _sql(
    _use.on_conflict_do_update(
        index_elements=["id"], set_={"received_at": func.max(body_use.c.received_at, _use.excluded.received_at)}
    )
)
"""Remembers when bodies were last seen: the first and the last id of the deliveries that have just come."""
OLD_BODIES: Final = _sql(
    select(body_use.c.id, func.length(body.c.data))
    .join(body, body.c.id == body_use.c.id)
    .where(body_use.c.received_at < bindparam(None))
    .order_by(body_use.c.received_at)
    .limit(bindparam(None))
)
DROP_BODIES: Final = tuple(_sql(delete(table).where(_listed(table.c.id))) for table in (body, body_use))


def _values(record: type[Any]) -> dict[str, Any]:
    return {name: bindparam(None) for name in shape(record).names}


@once
def put(record: Any) -> str:
    """Return the statement that inserts or replaces a row: the record's fields in order."""
    key = RECORDS[record].key
    statement = insert(TABLES[record]).values(_values(record))
    rest: Iterable[str] = [name for name in shape(record).names if name not in key]
    if not rest:
        return _sql(statement.on_conflict_do_nothing(index_elements=list(key)))
    excluded = {name: statement.excluded[name] for name in rest}
    return _sql(statement.on_conflict_do_update(index_elements=list(key), set_=excluded))


@once
def add(record: Any) -> str:
    """Return the statement that inserts a row that is not there."""
    return _sql(insert(TABLES[record]).values(_values(record)))


AMEND_UNIT: Final = _sql(
    update(_units)
    .values({name: bindparam(None) for name in shape(model.Unit).names if name not in ("id", "quantity")})
    .where(_units.c.id == bindparam(None))
)
"""Changes everything of a unit but its quantity: its other fields in order, its id."""


@once
def drop(record: Any) -> str:
    """Return the statement that removes a row: the fields of its key."""
    table = TABLES[record]
    return _sql(delete(table).where(*(table.c[name] == bindparam(None) for name in RECORDS[record].key)))


@once
def fold_in(record: Any) -> str:
    """Return the statement that remembers the folded form of a sku: folded, sku."""
    names = folded[record]
    return _sql(insert(names).values(code=bindparam(None), sku=bindparam(None)).on_conflict_do_nothing())


@once
def fold_out(record: Any) -> str:
    """Return the statement that forgets the folded form of a sku: folded, sku."""
    names = folded[record]
    return _sql(delete(names).where(names.c.code == bindparam(None), names.c.sku == bindparam(None)))
