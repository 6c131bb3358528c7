"""A store that loses a commit, or only the news of it, when a test says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stockhook.errors import StoreUnavailable
from stockhook.store import Store


class FailingStore:
    """A store whose next commit fails when it is told so: before it has happened, or after."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fails: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self) -> Iterator[Any]:
        fails, self.fails = self.fails, None
        with self._store.write() as work:
            yield work
            if fails == "before":
                raise StoreUnavailable("the disk is full")
        if fails == "after":
            raise StoreUnavailable("the connection was lost while it committed")
