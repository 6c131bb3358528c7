"""A PostgreSQL store: opened, filled, and seen from behind its back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from postgres import libpq

from stockhook.model import Unit
from stockhook.testing import factories as make
from stockhook_plugins.stores.sqlalchemy import SqlStore


def at(url: str) -> SqlStore:
    return SqlStore(SqlStore.Options.model_validate({"url": url}))


def migrate(url: str) -> None:
    """Make the tables, before anybody comes who has less time for it than a busy machine may take."""
    store = at(url)
    store.open()
    store.close()


@contextmanager
def opening(url: str) -> Iterator[Callable[[], SqlStore]]:
    """Yield what opens a store, as often as it is asked for; all are closed at the end."""
    with ExitStack() as stack:

        def one() -> SqlStore:
            store = at(url)
            store.open()
            stack.callback(store.close)
            return store

        yield one


def ask(url: str, statement: str) -> list[Any]:
    """Run a statement behind the store's back."""
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def end_connections(url: str) -> int:
    """Have the server end all connections of stores, and return how many there were."""
    ended = ask(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'stockhook' AND datname = current_database()",
    )
    return len(ended)


def stocked(store: SqlStore, *skus: str) -> list[int]:
    with store.write() as work:
        assert not work.book([make.receipt(sku) for sku in skus])
    with store.read() as read:
        return [unit.id for unit in reversed(read.find(Unit))]
