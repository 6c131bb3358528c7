"""The stores in the box pass the store's contract, the SQL one on each of its databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Server, any_server, own_server
from sizes import LONG

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


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/stock.db"

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        self.options = SqlStore.Options.model_validate({"url": url})
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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with any_server() as server:
        yield server


@pytest.fixture(scope="module")
def old_server() -> Iterator[Server]:
    with own_server(oldest=True) as server:
        yield server.server


class TestPostgresStore(TestSqliteStore):
    copies = False
    shared = True

    @pytest.fixture
    def url(self, server: Server) -> Iterator[str]:
        with server.database() as url:
            yield url


if LONG:

    class TestOldPostgresStore(TestPostgresStore):
        """The same on the oldest version that is at hand, 16, while the others run on the newest, 18."""

        @pytest.fixture
        def url(self, old_server: Server) -> Iterator[str]:
            with old_server.database() as url:
                yield url
