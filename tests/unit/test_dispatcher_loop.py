"""The loop between outbox and notifiers: when it wakes, what stops it, and what it outlives."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from outbox_scene import MINUTE, Notifier, dispatcher, fail, hang, notices, outbox, put, stop, until
from structlog.testing import capture_logs

from stockhook.dispatcher import Dispatcher
from stockhook.errors import StoreUnavailable
from stockhook.model import NoticeState
from stockhook.notifier import Message
from stockhook.testing import ManualClock
from stockhook_plugins.stores.memory import MemoryStore


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def store() -> MemoryStore:
    return outbox()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_it_sends_as_soon_as_it_is_woken_from_any_thread(store: MemoryStore, clock: ManualClock) -> None:
    office = Notifier()
    sending = dispatcher(store, clock, office=office)
    sending.wake()
    running = asyncio.create_task(sending.run())
    await asyncio.sleep(0.05)
    put(store)
    threading.Thread(target=sending.wake).start()
    await until(lambda: office.messages)
    await stop(running)
    sending.wake()


async def test_it_wakes_by_itself_when_a_notice_comes_due(store: MemoryStore, clock: ManualClock) -> None:
    put(store, due_at=clock.now() + timedelta(seconds=0.3))
    office = Notifier()
    running = asyncio.create_task(dispatcher(store, clock, office=office).run())
    await asyncio.sleep(0.1)
    assert not office.messages
    clock.advance(MINUTE)
    await until(lambda: office.messages)
    await stop(running)


async def test_a_message_under_way_when_the_daemon_stops_is_sent_after_the_restart(
    store: MemoryStore, clock: ManualClock
) -> None:
    put(store)
    started = asyncio.Event()

    async def slow(_message: Message) -> None:
        started.set()
        await hang(_message)

    running = asyncio.create_task(dispatcher(store, clock, office=Notifier(slow)).run())
    await started.wait()
    await stop(running)
    assert notices(store)[0].state is NoticeState.WAITING
    assert await dispatcher(store, clock, office=Notifier()).send_due() == 1


async def test_the_loop_outlives_a_store_that_is_away(
    store: MemoryStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    read = store.read

    def away() -> None:
        raise StoreUnavailable("the database is locked")

    put(store)
    monkeypatch.setattr(store, "read", away)
    office = Notifier()
    sending = dispatcher(store, clock, office=office)
    running = asyncio.create_task(sending.run())
    await until(lambda: any(line["event"] == "outbox not read" for line in logged))
    monkeypatch.setattr(store, "read", read)
    sending.wake()
    await until(lambda: office.messages)
    await stop(running)


async def test_who_does_not_lead_sends_nothing_and_who_leads_no_more_stops(
    store: MemoryStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store)
    put(store, problem_id=2)
    office = Notifier()
    leading = False
    monkeypatch.setattr(store, "leads", lambda _: leading)
    sending = dispatcher(store, clock, office=office)
    assert await sending.send_due() == 0

    async def lose_the_lead(_: Message) -> None:
        nonlocal leading
        leading = False

    leading = True
    office.does = lose_the_lead
    await sending.send_due()
    assert len(office.messages) == 1
    assert sorted(notice.state for notice in notices(store)) == [NoticeState.SENT, NoticeState.WAITING]


async def test_the_log_says_what_was_not_sent_and_why(
    store: MemoryStore, clock: ManualClock, logged: list[Any]
) -> None:
    put(store)
    await dispatcher(store, clock, office=Notifier(fail)).send_due()
    (line,) = [line for line in logged if line["event"] == "notice not sent"]
    assert (line["notifier"], line["notice"], line["log_level"]) == ("office", 1, "warning")
    assert "refuses connections" in line["error"]


@pytest.mark.parametrize("turns", range(6))
async def test_it_ends_when_asked_at_the_moment_it_is_woken(store: MemoryStore, turns: int) -> None:
    dispatcher = Dispatcher(store, {}, ManualClock(), lambda _: None)
    running = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0.05)
    dispatcher._woken.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    assert (await asyncio.wait({running}, timeout=50))[0]
