"""Whether the tables in the file are those of this code, and what to do if not."""

from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, inspect

from stockhook.plugin import StoreBroken, StoreTooNew
from stockhook_plugins.stores.sqlalchemy.database import Database, rows
from stockhook_plugins.stores.sqlalchemy.tables import REVISION

_STORED: Final = "SELECT version_num FROM alembic_version"


def update(database: Database) -> None:
    """Bring the tables up to date in one transaction, so that a crash leaves them as they were.

    Alembic is imported only when there is something to do. Raises StoreTooNew for a revision this code does not know,
    and StoreBroken for a file that holds other tables.
    """
    with database.reading() as connection, database.translated():
        if _stored(connection, database) == REVISION:
            return
    from stockhook_plugins.stores.sqlalchemy import migrations

    with database.writing() as connection, database.translated():
        stored = _stored(connection, database)  # another process may have been quicker
        if stored == REVISION:
            return
        if stored is not None and stored not in migrations.revisions():
            raise StoreTooNew(
                f"{database.name} was written by a newer stockhook (its tables are {stored}, this one knows up to "
                f"{REVISION}); install that version again, or restore a backup made before it"
            )
        if connection.dialect.name == "postgresql":  # an index on a long history takes longer than any other statement
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        migrations.upgrade(connection)


def behind(database: Database) -> str | None:
    """Return what ``update`` would have to do, in words; None for nothing. Raises StoreBroken as it does."""
    with database.reading() as connection, database.translated():
        stored = _stored(connection, database)
    if stored == REVISION:
        return None
    if stored is None:
        return f"{database.name} holds no tables yet; a daemon makes them when it starts"
    return f"the tables of {database.name} are {stored}, and those of this stockhook {REVISION}"


def _stored(connection: Connection, database: Database) -> str | None:
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if "alembic_version" in names:
        with suppress(ValueError):
            [(stored,)] = rows(connection, _STORED)
            return str(stored)
    raise StoreBroken(
        f"{database.name} holds tables, but not those of a stockhook store ({', '.join(sorted(names)[:3])}, ...); "
        "name another one in [store] url"
    )
