"""Any record by any of its fields, and totals: the one place where SQL is composed as it is asked for.

What is asked comes in few forms; the text of each is made once, and its values are parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, null, or_, select
from sqlalchemy import tuple_ as row_of

from stockhook.plugin import FOREVER, RECORDS, Folded, Match, Range, Total
from stockhook_plugins.stores.sqlalchemy.database import rows
from stockhook_plugins.stores.sqlalchemy.rows import Column, json_list, shape
from stockhook_plugins.stores.sqlalchemy.statements import Statements, constant
from stockhook_plugins.stores.sqlalchemy.tables import TABLES, spelling

R = TypeVar("R")

Term: TypeAlias = tuple[Any, ...]
"""The form of one condition: the field, what it is compared with, and what of that is part of the text."""

_EQUAL: Final = "equal"
_WORD: Final = "word"
_FROM: Final = "from"
_BELOW: Final = "below"
_AMONG: Final = "among"
_AMONG_OR_NULL: Final = "among or null"
_NULL: Final = "null"
_FOLDED: Final = "folded"
_TRUE: Final = "true"


def find(
    connection: Connection,
    sql: Statements,
    record: type[R],
    where: Mapping[str, Match],
    after: tuple[Any, ...] | None,
    most: int,
) -> list[R]:
    """Return records that match, by descending key, from behind the key ``after``."""
    table, form, key = TABLES[record], shape(record), RECORDS[record].key
    terms, values = _asked(form.by_name, where)

    def make() -> Any:
        columns = [table.c[name] for name in key]
        statement = select(table).where(*_conditions(sql, record, terms))
        if after is not None:
            last = [bindparam(None, type_=column.type) for column in columns]
            statement = statement.where(row_of(*columns) < row_of(*last))
        statement = statement.order_by(*(column.desc() for column in columns))
        return statement.limit(bindparam(None)).offset(bindparam(None)) if most < FOREVER else statement

    text = sql.composed(("find", record, terms, after is None, most < FOREVER), make)
    if after is not None:
        values += [form.by_name[name].bind(value) for name, value in zip(key, after, strict=True)]
    if most < FOREVER:
        values += [most, 0]
    return [form.decode(row) for row in rows(connection, text, values)]


def totals(
    connection: Connection, sql: Statements, record: type[Any], by: Sequence[str], where: Mapping[str, Match]
) -> list[Total]:
    """Return counts and sums per group."""
    table, form, amount = TABLES[record], shape(record), RECORDS[record].amount
    terms, values = _asked(form.by_name, where)

    def make() -> Any:
        groups = [table.c[name] for name in by]
        zero: ColumnElement[int] = literal_column("0")
        summed = func.coalesce(func.sum(table.c[amount]), zero) if amount else zero
        statement = select(*groups, func.count(), summed).select_from(table).where(*_conditions(sql, record, terms))
        if groups:
            statement = statement.group_by(*groups).order_by(*(group.asc().nulls_first() for group in groups))
        return statement

    text = sql.composed(("totals", record, terms, tuple(by)), make)
    load = [form.by_name[name].load for name in by]
    if len(load) == 1:  # a book has tens of thousands of lots
        (one,) = load
        return [Total((one(value),), count, int(amount)) for value, count, amount in rows(connection, text, values)]
    return [
        Total(tuple(decode(value) for decode, value in zip(load, row, strict=False)), row[-2], int(row[-1]))
        for row in rows(connection, text, values)
    ]


def _asked(columns: Mapping[str, Column], where: Mapping[str, Match]) -> tuple[tuple[Term, ...], list[Any]]:
    """Return the form of the conditions, and their values in the order in which the text has them."""
    terms: list[Term] = []
    values: list[Any] = []
    for name, wanted in where.items():
        column = columns[name]
        if isinstance(wanted, Range):
            for kind, end in ((_FROM, wanted.low), (_BELOW, wanted.high)):
                if end is not None:
                    terms.append((name, kind))
                    values.append(column.bind(end))
        elif isinstance(wanted, Folded):
            terms.append((name, _FOLDED))
            values.append(wanted.code)
        elif isinstance(wanted, frozenset):
            terms.append((name, _AMONG_OR_NULL if None in wanted else _AMONG))
            values.append(json_list(column.bind(value) for value in wanted if value is not None))
        elif wanted is None:
            terms.append((name, _NULL))
        elif wanted is True:
            terms.append((name, _TRUE))  # as a constant, too: what is seldom true has an index of only that
        elif (stored := column.bind(wanted)) in column.words:
            terms.append((name, _WORD, stored))  # as a constant, so that the indexes on open states are found
        else:
            terms.append((name, _EQUAL))
            values.append(stored)
    return tuple(terms), values


def _conditions(sql: Statements, record: type[Any], terms: Sequence[Term]) -> list[ColumnElement[bool]]:
    table = TABLES[record]
    return [_CONDITIONS[kind](sql, table.c[name], *rest) for name, kind, *rest in terms]


def _spelt(column: ColumnElement[Any]) -> ColumnElement[bool]:
    written = select(spelling.c.written).where(
        spelling.c.field == constant(str(column.key)), spelling.c.code == bindparam(None)
    )
    return column.in_(written)


_CONDITIONS: Final[Mapping[str, Callable[..., ColumnElement[bool]]]] = {
    _EQUAL: lambda _, column: column == bindparam(None),
    _WORD: lambda _, column, word: column == constant(word),
    _FROM: lambda _, column: column >= bindparam(None),
    _BELOW: lambda _, column: column < bindparam(None),
    _AMONG: lambda sql, column: sql.listed(column),
    _AMONG_OR_NULL: lambda sql, column: or_(sql.listed(column), column.is_(null())),
    _NULL: lambda _, column: column.is_(null()),
    _TRUE: lambda _, column: column == literal_column("1"),
    _FOLDED: lambda _, column: _spelt(column),
}
