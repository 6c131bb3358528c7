"""Any record by any of its fields, and totals: the one place where SQL is composed as it is asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
)

from stockhook.plugin import FOREVER, RECORDS, Match, Range, Total
from stockhook_plugins.stores.sqlalchemy.rows import Column, json_list, shape
from stockhook_plugins.stores.sqlalchemy.statements import among, constant
from stockhook_plugins.stores.sqlalchemy.tables import TABLES

R = TypeVar("R")

_MANY: Final = 500  # values of a set that become parameters of their own


def find(
    connection: Connection, record: type[R], where: Mapping[str, Match], after: tuple[Any, ...] | None, most: int
) -> list[R]:
    """Return records that match, by descending key, from behind the key ``after``."""
    table, form, key = TABLES[record], shape(record), RECORDS[record].key
    columns = [table.c[name] for name in key]
    statement = (
        select(table).where(*_conditions(connection, record, where)).order_by(*(column.desc() for column in columns))
    )
    if after is not None:
        last = [form.by_name[name].bind(value) for name, value in zip(key, after, strict=True)]
        statement = statement.where(tuple_(*columns) < tuple(last) if len(last) > 1 else columns[0] < last[0])
    if most < FOREVER:
        statement = statement.limit(most)
    return [form.decode(row) for row in connection.execute(statement)]


def totals(connection: Connection, record: type[Any], by: Sequence[str], where: Mapping[str, Match]) -> list[Total]:
    """Return counts and sums per group."""
    table, form, amount = TABLES[record], shape(record), RECORDS[record].amount
    groups = [table.c[name] for name in by]
    summed = func.coalesce(func.sum(table.c[amount]), 0) if amount else literal_column("0")
    statement = select(*groups, func.count(), summed).select_from(table).where(*_conditions(connection, record, where))
    if groups:
        statement = statement.group_by(*groups).order_by(*(group.asc().nulls_first() for group in groups))
    load = [form.by_name[name].load for name in by]
    return [
        Total(tuple(decode(value) for decode, value in zip(load, row, strict=False)), row[-2], int(row[-1]))
        for row in connection.execute(statement)
    ]


def _conditions(connection: Connection, record: type[Any], where: Mapping[str, Match]) -> list[ColumnElement[bool]]:
    table, form, arrays = TABLES[record], shape(record), connection.dialect.name == "postgresql"
    return [_condition(table.c[name], form.by_name[name], wanted, arrays=arrays) for name, wanted in where.items()]


def _condition(column: ColumnElement[Any], form: Column, wanted: Match, *, arrays: bool) -> ColumnElement[bool]:
    if isinstance(wanted, Range):
        low, high = form.bind(wanted.low), form.bind(wanted.high)
        return and_(
            true(), *([column >= low] if low is not None else []), *([column < high] if high is not None else [])
        )
    if isinstance(wanted, frozenset):
        return _in(column, form, wanted, arrays=arrays)
    if wanted is None:
        return column.is_(null())
    stored = form.bind(wanted)
    # our own words as constants, so that the indexes on open states are found
    return column == (constant(stored) if form.words and stored in form.words else stored)


def _in(column: ColumnElement[Any], form: Column, wanted: frozenset[Any], *, arrays: bool) -> ColumnElement[bool]:
    values = [form.bind(value) for value in wanted if value is not None]
    if len(values) > _MANY and form.kind is not bytes:
        listed = literal(json_list(values), Text())  # a text already: cast as it is, not written as JSON once more
        found = or_(false(), among(column, listed, arrays=arrays))
    else:
        found = or_(false(), *([column.in_(values)] if values else []))
    return or_(found, column.is_(null())) if None in wanted else found
