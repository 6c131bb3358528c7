"""How a daemon ends: what is under way is answered, and what waits is not begun."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from daemon_house import OLD, House, house_at
from tornado.httpclient import AsyncHTTPClient

from stockhook.model import Item
from stockhook.store import Work


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return house_at(tmp_path, monkeypatch)


async def test_while_it_drains_it_is_alive_and_not_ready(house: House) -> None:
    async with house.running() as daemon:
        host, port = daemon.addresses["server"].removeprefix("http://").split(":")
        sender, probe = [await asyncio.open_connection(host, port) for _ in range(2)]
        sender[1].write(f"POST /webhooks/shop/{OLD} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n[".encode())
        probe[1].write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await probe[0].readuntil(b"ok\n")
        while not daemon.intake.in_flight:
            await asyncio.sleep(0.01)
        daemon.stop()
        while not daemon.server.draining:
            await asyncio.sleep(0.01)
        probe[1].write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await probe[0].read()
        assert (answer.split(b"\r\n")[0], answer[-9:]) == (b"HTTP/1.1 503 Service Unavailable", b"stopping\n")
        sender[1].write(b"]")
        assert (await sender[0].read()).startswith(b"HTTP/1.1 200 OK\r\n")
        for _, writer in (sender, probe):
            writer.close()


async def test_while_it_drains_what_is_booked_is_answered_and_what_waits_for_it_is_not_booked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, entered = threading.Event(), threading.Semaphore(0)
    async with house.running() as daemon:
        await daemon.pages.load()
        store = daemon.settings.store
        opened = store.write

        @contextmanager
        def shut() -> Iterator[Work]:
            entered.release()
            assert go.wait(60)
            with opened() as work:
                yield work

        monkeypatch.setattr(store, "write", shut)
        post = partial(AsyncHTTPClient(force_instance=True).fetch, method="POST", raise_error=False)
        url = daemon.addresses["admin"] + "/api/v1/items"
        bodies = [f'{{"sku": "S-{number}"}}' for number in range(4)]
        asked = [
            asyncio.ensure_future(post(url, body=body, headers={"Content-Type": "application/json"})) for body in bodies
        ]
        for _ in range(2):
            assert await asyncio.to_thread(entered.acquire, timeout=60)
        while len(daemon.pages.busy) < len(asked):
            await asyncio.sleep(0.01)
        daemon.stop()
        while not daemon.server.draining:
            await asyncio.sleep(0.01)
        go.set()
        answers = [await one for one in asked]
        with store.read() as view:
            kept = len(view.find(Item, most=9))
        assert sorted(answer.code for answer in answers) == [200, 200, 503, 503]
        assert kept == 2
        refused = next(answer for answer in answers if answer.code == 503)
        assert b"the daemon is stopping" in refused.body


# Tornado leaves a socket that it could not bind to the garbage collector
