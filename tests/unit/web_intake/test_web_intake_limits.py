"""What the webhook listener takes at once, and how long it waits: bodies, silent connections, requests under way."""

import asyncio
import gc
import weakref
from types import SimpleNamespace

import pytest
from doorway import SHORT, Client, HeldStore, head, stored
from tornado.ioloop import IOLoop

from stockhook.intake import Intake
from stockhook.testing.clock import ManualClock
from stockhook.web import intake as listening
from stockhook.web.intake import IntakeServer


async def test_a_body_that_never_ends_is_cut_in_time_and_gives_its_room_back(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    reader, writer = await client.connect(head(90_000) + b"{")
    while app.intake.in_flight != 90_000:
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(reader.read(), 30) == b""
    assert app.intake.in_flight == 0
    assert stored(store) == []
    writer.close()


async def test_a_refused_body_that_never_ends_is_cut_in_time_too(client: Client) -> None:
    reader, writer = await client.connect(head(90_000, "other") + b"{")
    answer = await asyncio.wait_for(reader.read(), 30)
    assert answer.startswith(b"HTTP/1.1 404 ")
    writer.close()


@pytest.mark.parametrize("data", [b"", b"POST /webhooks/shop/good HT", head(2)[:-2]])
async def test_headers_that_never_end_are_cut_in_time(client: Client, data: bytes) -> None:
    reader, writer = await client.connect(data)
    assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()


async def test_more_bytes_at_once_than_there_is_room_for_wait_outside(client: Client, app: IntakeServer) -> None:
    app.body = 60
    _, writer = await client.connect(head(90_000) + b"{")
    while app.intake.in_flight != 90_000:
        await asyncio.sleep(0.01)
    answer = await client.post(b" " * 70_000)
    assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
    assert (await client.post(b" " * 50_000)).code == 200
    writer.close()


async def test_one_body_may_always_come_in_however_small_the_room(io_loop: IOLoop, store: HeldStore) -> None:
    intake = Intake(store, ManualClock(), 10)
    assert intake.reserve(1000)
    assert not intake.reserve(1)
    intake.release(1000)
    assert intake.reserve(1)


async def test_silent_connections_make_room_and_busy_ones_do_not(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    app.silence = 60
    silent = [await client.connect() for _ in range(6)]
    assert (await client.post()).code == 200
    assert await asyncio.wait_for(silent[0][0].read(), 30) == b""
    store.go.clear()
    waiting = [await client.connect(head(2) + b"{}") for _ in range(3)]
    while len(app.busy) < 3:
        await asyncio.sleep(0.01)
    answer = await client.post()
    assert (answer.code, answer.headers["Connection"]) == (503, "close")
    store.go.set()
    for reader, writer in waiting:
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        writer.close()
    for _, writer in silent:
        writer.close()


async def test_as_many_connections_as_may_be_busy_are_silent_and_neither_ended_nor_in_the_way(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    app.silence = 60
    silent = [await client.connect() for _ in range(3)]
    store.go.clear()
    answers = [client.post() for _ in range(3)]
    while len(app.busy) < 3:
        await asyncio.sleep(0.01)
    store.go.set()
    assert [(await answer).code for answer in answers] == [200] * 3
    for reader, writer in silent:
        writer.write(head(2) + b"{}")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        writer.close()


async def test_there_are_never_more_connections_than_twice_what_may_be_busy(client: Client, app: IntakeServer) -> None:
    app.silence = 60
    new = [await client.connect() for _ in range(7)]
    assert await asyncio.wait_for(new[0][0].read(), 30) == b""
    assert len(app.open) == 6
    for _, writer in new:
        writer.close()


async def test_a_connection_in_use_is_not_taken_for_a_silent_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0  # on a clock of the test's own: a machine that stands still is not silent
    monkeypatch.setattr(listening, "time", SimpleNamespace(monotonic=lambda: now))
    reader, writer = await client.connect()
    for _ in range(6):
        now += SHORT / 2
        await asyncio.sleep(SHORT / 3)  # it is looked for silent ones each quarter
        writer.write(head(2) + b"{}")
        assert (await asyncio.wait_for(reader.readuntil(b"stored\n"), 30)).startswith(b"HTTP/1.1 200 OK\r\n")
    now += 2 * SHORT
    assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()


async def test_a_request_that_was_answered_is_gone_without_the_garbage_collector(
    client: Client, app: IntakeServer
) -> None:
    reader, writer = await client.connect()
    while not app.open:
        await asyncio.sleep(0.01)
    gc.disable()
    try:
        request = weakref.ref(next(iter(app.open.values())))
        writer.write(head(2) + b"{}")
        assert (await asyncio.wait_for(reader.readuntil(b"stored\n"), 30)).startswith(b"HTTP/1.1 200 OK\r\n")
        async with asyncio.timeout(30):
            while request() is not None:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
    writer.close()


async def test_connections_that_were_cut_leave_room_for_others(client: Client, app: IntakeServer) -> None:
    async def until(count: int) -> None:
        while len(app.open) != count:
            await asyncio.sleep(0.005)

    for _ in range(5):
        _, writer = await client.connect(b"POST /webhooks/shop/good HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        await asyncio.wait_for(until(1), 30)
        writer.close()
        await asyncio.wait_for(until(0), 30)
    assert (await client.post(headers={"Connection": "close"})).code == 200
    await asyncio.wait_for(until(0), 30)
