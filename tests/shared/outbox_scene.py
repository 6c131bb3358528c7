"""An outbox in memory and notifiers that do as they are told, for the tests of the dispatcher."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stockhook.dispatcher import Dispatcher
from stockhook.model import Notice, Problem, ProblemState
from stockhook.notifier import Message
from stockhook.options import PluginOptions
from stockhook.testing import ManualClock, factories
from stockhook_plugins.stores.memory import MemoryStore

MINUTE = timedelta(minutes=1)


class Notifier:
    """Keeps what it is given; ``does`` is called first and may raise or wait."""

    type = "test"
    Options = PluginOptions

    def __init__(self, does: Callable[[Message], Awaitable[None]] | None = None) -> None:
        self.messages: list[Message] = []
        self.does = does

    async def notify(self, message: Message) -> None:
        if self.does is not None:
            await self.does(message)
        self.messages.append(message)


async def fail(_message: Message) -> None:
    raise ConnectionRefusedError("mail.example.com:587 refuses\nconnections")


async def hang(_message: Message) -> None:
    await asyncio.sleep(3600)


def outbox() -> MemoryStore:
    store = MemoryStore()
    with store.write() as work:
        work.save([factories.problem(), factories.problem("insufficient-inventory", "SOAP")])
    return store


def put(store: MemoryStore, **fields: Any) -> None:
    with store.write() as work:
        work.save([factories.notice(**fields)])


def notices(store: MemoryStore) -> list[Notice]:
    with store.read() as read:
        return list(reversed(read.find(Notice)))


def close(store: MemoryStore, state: ProblemState = ProblemState.CLOSED) -> None:
    with store.write() as work:
        work.save([replace(problem, state=state) for problem in work.find(Problem)])


def dispatcher(store: MemoryStore, clock: ManualClock, /, *, chance: float = 0.0, **rest: Any) -> Dispatcher:
    given = {name: rest.pop(name) for name in ("patience", "report") if name in rest}
    link = "https://stock.example.com/problems#{}".format
    return Dispatcher(store, rest, clock, lambda notice: link(notice.problem_id), chance=lambda: chance, **given)


async def until(condition: Callable[[], object], seconds: float = 50.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 50)
