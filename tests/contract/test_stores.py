"""Both stores in the box pass the store's contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stockhook.plugin import Store
from stockhook.testing import StoreContract
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.stores.sqlalchemy import SqlStore


class TestMemoryStore(StoreContract):
    copies = False

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = MemoryStore()
        store.open()
        yield store
        store.close()


class TestSqlStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        self.options = SqlStore.Options.model_validate({"url": f"sqlite:///{tmp_path}/stock.db"})
        self.opened = [SqlStore(self.options)]
        self.opened[0].open()
        yield self.opened[0]
        for store in self.opened:
            store.close()

    def reopen(self, store: Store) -> Store:
        store.close()
        self.opened.append(SqlStore(self.options))
        self.opened[-1].open()
        return self.opened[-1]
