"""A unit of work on an SQLite file: one snapshot until its first write, then the write transaction."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from stockhook.plugin import Due, model
from stockhook_plugins.stores.claims import Claims
from stockhook_plugins.stores.sqlalchemy.database import rows
from stockhook_plugins.stores.sqlalchemy.reading import due
from stockhook_plugins.stores.sqlalchemy.rows import json_list
from stockhook_plugins.stores.sqlalchemy.statements import Statements


class _File(Protocol):
    sql: Statements

    def reading(self) -> AbstractContextManager[Connection]: ...

    def writing(self) -> AbstractContextManager[Connection]: ...


class FileUnit:
    """Where a unit of work reads and writes, and what it has claimed."""

    def __init__(self, database: _File, claims: Claims) -> None:
        self.writing = False
        self._database = database
        self._claims = claims
        self._mine: set[Any] = set()
        self._writer: Connection | None = None
        self._held = ExitStack()
        self._snapshot: Connection | None = None
        self._seen = ExitStack()

    @contextmanager
    def running(self) -> Iterator["FileUnit"]:
        """Commit at the end of the block, or roll back on an exception; release what was claimed either way."""
        try:
            with self._held, self._seen:
                yield self
        finally:
            self._claims.release(self._mine)

    def connection(self) -> Connection:
        """Return the write transaction, or one snapshot of what is committed while nothing has been written."""
        if self._writer is not None:
            return self._writer
        if self._snapshot is None:
            self._snapshot = self._seen.enter_context(self._database.reading())
        return self._snapshot

    def writer(self, touched: Collection[int] = ()) -> Connection:  # noqa: ARG002 - the file has one lock for all
        """Return the write transaction."""
        if self._writer is None:
            self._drop_snapshot()
            self._writer = self._held.enter_context(self._database.writing())
            self.writing = True
        return self._writer

    def _drop_snapshot(self) -> None:
        self._snapshot = None
        self._seen.close()

    def claim(self, now: datetime, most: int) -> Due:
        """Take what is due and no other unit of this process has taken."""
        self._drop_snapshot()
        with self._claims.mutex:  # the view opens behind the mutex, or it could be stale
            found = due(self.connection(), self._database.sql, now, most + len(self._claims.taken))
            return self._claims.take(found, self._mine, most)

    def hold(self, keys: Collection[model.OrderKey]) -> frozenset[model.OrderKey]:
        """Take these orders, and return those that another unit of this process has taken."""
        return self._claims.hold(keys, self._mine)

    def item_versions(self, skus: Collection[str]) -> Mapping[str, int]:
        """Return the versions of these items; what moves meanwhile is found when it is booked."""
        return dict(rows(self.connection(), self._database.sql.item_versions, [json_list(skus)]))
