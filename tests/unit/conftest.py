"""What these tests share: stores, a shop, and the pages."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlite_file
from cases import channel
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from stockhook.store import Store
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.shop import Shop
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

Ask = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Open a shop on the store in memory, with no goods and no items yet."""
    store = MemoryStore()
    store.open()
    yield Shop(store, channel(), Fifo(Fifo.Options()))
    store.close()


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return open_pages(tmp_path)


@pytest.fixture
def ask(http_client: AsyncHTTPClient, base_url: str) -> Ask:
    """Ask for an address and return the answer, whatever its status; ``form`` makes it a POST that is followed."""

    async def fetch(address: str, form: dict[str, str] | None = None, **more: Any) -> HTTPResponse:
        if form is not None:
            more = {"method": "POST", "body": urlencode(form), **more}
        return await http_client.fetch(base_url + address, raise_error=False, **more)

    return fetch


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an SQLite file with all tables, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    store = sqlite_file.at(path)
    store.open()
    store.close()
    return path


@pytest.fixture(params=["memory", "sqlite"])
def each_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Run the test on each store in the box that needs no server, open and empty."""
    store: Store = MemoryStore()
    if request.param == "sqlite":
        path = tmp_path / "stockhook.db"
        shutil.copy(request.getfixturevalue("empty_database"), path)
        store = sqlite_file.at(path)
    store.open()
    yield store
    store.close()
