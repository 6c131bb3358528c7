"""What these tests share: stores, a shop, the pages, and who reads them, sends their forms and asks the API."""

import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlite_file
from cases import channel
from page_text import words
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.web import Application

from stockhook.store import Store
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.shop import Shop
from stockhook.web.api.route import PREFIX
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

Ask = Callable[..., Awaitable[HTTPResponse]]
Read = Callable[..., Awaitable[str]]
Call = Callable[..., Awaitable[Any]]


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
def app(pages: Pages) -> Application:
    """Serve the pages as they are; a test file with goods of its own has its own ``app``."""
    return pages.application()


@pytest.fixture
def ask(http_client: AsyncHTTPClient, base_url: str) -> Ask:
    """Ask for an address and return the answer, whatever its status; ``form`` makes it a POST that is followed."""

    async def fetch(address: str, form: dict[str, str] | None = None, **more: Any) -> HTTPResponse:
        if form is not None:
            more = {"method": "POST", "body": urlencode(form), **more}
        return await http_client.fetch(base_url + address, raise_error=False, **more)

    return fetch


@pytest.fixture
def read(ask: Ask) -> Read:
    """Ask for a page, or send a form of one, and return what a person reads on the page that answers, in one line."""

    async def text(address: str, form: dict[str, str] | None = None) -> str:
        answer = await ask(address, form)
        assert answer.code == 200, (address, answer.body)
        return words(answer.body)

    return text


@pytest.fixture
def done(read: Read, ask: Ask) -> Callable[..., Awaitable[tuple[str, str]]]:
    """Send a form, then confirm it; return what a person reads on both pages, each in one line."""

    async def send(address: str, **form: str) -> tuple[str, str]:
        asked = await ask(address, form)
        assert b'name="confirmed"' in asked.body
        return words(asked.body), await read(address, {**form, "confirmed": "yes"})

    return send


@pytest.fixture
def get(ask: Ask) -> Call:
    """Ask for an address below the API, hold the answer against the description, and return what it holds."""
    from described import check  # it makes the whole description, which few tests need

    async def asked(address: str, status: int = 200, **more: Any) -> Any:
        answer = await ask(PREFIX + address, **more)
        assert answer.code == status, answer.body
        assert answer.headers["Cache-Control"] == "no-store"
        return check("GET", PREFIX + address, answer)

    return asked


@pytest.fixture
def post(ask: Ask) -> Call:
    """Send a body to the API, hold the answer against the description, and return what it holds."""
    from described import check

    async def sent(address: str, body: object = None, status: int = 200, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {"Content-Type": "application/json", **named}
        content = json.dumps(body) if body is not None else ""
        answer = await ask(PREFIX + address, method="POST", body=content, headers=more)
        assert answer.code == status, answer.body
        return check("POST", PREFIX + address, answer)

    return sent


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
