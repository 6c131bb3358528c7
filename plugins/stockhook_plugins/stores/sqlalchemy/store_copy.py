"""All rows of one database into another: the same statements for every database, but for where ids go on from."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, literal, select, text, tuple_

from stockhook.plugin import Chunk, Refused
from stockhook_plugins.stores.sqlalchemy.tables import body, metadata

_TOGETHER: Final = 1000
_BYTES: Final = 4 << 20  # of bodies in one chunk, unless one alone is larger
_TABLES: Final = {table.name: table for table in metadata.sorted_tables}
_NUMBERED: Final = tuple(table.name for table in metadata.sorted_tables if table.autoincrement_column is not None)


def dump(connection: Connection) -> Iterator[Chunk]:
    """Yield all rows, table by table, and at last where ids go on from."""
    for table in metadata.sorted_tables:
        for found in _bodies(connection) if table is body else _pages(connection, table):
            yield Chunk(table.name, [tuple(row) for row in found])
    yield Chunk("", _last_ids(connection))  # whether or not there is still a row with that id


def _pages(connection: Connection, table: Table[Any]) -> Iterator[Sequence[Any]]:
    key = list(table.primary_key.columns)
    at = [list(table.columns).index(column) for column in key]
    page = select(table).order_by(*key).limit(_TOGETHER)
    found = connection.execute(page).all()
    while found:
        yield found
        last = [literal(found[-1][place], column.type) for place, column in zip(at, key, strict=True)]
        behind = tuple_(*key) > tuple_(*last) if len(key) > 1 else key[0] > last[0]
        found = connection.execute(page.where(behind)).all() if len(found) == _TOGETHER else []


def _bodies(connection: Connection) -> Iterator[Sequence[Any]]:
    """Yield bodies together as far as they are small: one may be 10 MiB."""
    sizes = select(body.c.id, func.length(body.c.data)).order_by(body.c.id).limit(_TOGETHER)
    last = 0
    while found := connection.execute(sizes.where(body.c.id > last)).all():
        for first, last in _groups(found):
            yield connection.execute(select(body).where(body.c.id.between(first, last)).order_by(body.c.id)).all()


def _groups(found: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last id of bodies that are small enough together, or of one that is large."""
    first, last, size = found[0][0], 0, 0
    for number, more in found:
        if size and size + more > _BYTES:
            yield first, last
            first, size = number, 0
        last, size = number, size + more
    yield first, last


def fill(connection: Connection, name: str, chunks: Iterable[Chunk]) -> None:
    """Insert what ``dump`` yields into the database of that name; raises Refused where there are rows already."""
    for table in metadata.sorted_tables:
        if connection.execute(select(literal(1)).select_from(table).limit(1)).first():
            raise Refused(f"{name} holds a store already, with rows in {table.name}; name an empty one")
    for chunk in chunks:
        if chunk.table:
            _insert(connection, _TABLES[chunk.table], chunk)
        else:
            _go_on_from(connection, dict(chunk.rows))


def _insert(connection: Connection, table: Table[Any], chunk: Chunk) -> None:
    names = [column.name for column in table.columns]
    exact = connection.dialect.name == "sqlite"
    rows = chunk.rows if exact else [tuple(map(_keepable, row)) for row in chunk.rows]
    connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])


def _keepable(value: Any) -> Any:
    """Return a value without the one character that PostgreSQL cannot keep in a text."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


# --- where ids go on from


def _last_ids(connection: Connection) -> list[tuple[str, int]]:
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
        given = {str(row[0]): int(row[1]) for row in found}
    else:
        given = {name: _last_of(connection, name) for name in _NUMBERED}
    return [(name, given[name]) for name in _NUMBERED if given.get(name)]


def _last_of(connection: Connection, table: str) -> int:
    sequence = connection.scalar(select(func.pg_get_serial_sequence(table, "id")))
    last, called = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - ours
    return int(last if called else last - 1)


def _go_on_from(connection: Connection, last: dict[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("DELETE FROM sqlite_sequence"))
        rows = [{"name": name, "last": number} for name, number in last.items()]
        if rows:
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), rows)
        return
    for name in _NUMBERED:
        sequence = func.pg_get_serial_sequence(name, "id")
        connection.execute(select(func.setval(sequence, last.get(name, 1), name in last)))
