"""What is slow on the admin listener holds up neither the daemon's loops, nor the probes, nor who only reads."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from tornado.web import Application

from stockhook.errors import StoreUnavailable
from stockhook.store import Read, Store
from stockhook.testing.pages import Pages
from stockhook.web.api import handler
from stockhook.web.api.route import PREFIX
from stockhook.web.threads import Threads

WHO: ContextVar[str] = ContextVar("WHO")
JSON = {"Content-Type": "application/json"}
RECEIPT = b'{"sku": "SOAP", "quantity": "1", "location": "MAIN"}'


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 10), lot="L1")
    return pages.application()


class Gate:
    """Stands before the store's views or its units of work: shut, whoever comes waits."""

    def __init__(self, store: Store, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[str] = []
        self.go = threading.Event()
        self.go.set()
        opened = getattr(store, name)

        @contextmanager
        def guarded(*arguments: Any) -> Iterator[Read]:
            self.threads.append(threading.current_thread().name.rpartition("_")[0])
            assert self.go.wait(60)
            with opened(*arguments) as view:
                yield view

        monkeypatch.setattr(store, name, guarded)


@pytest.fixture
def reads(pages: Pages, app: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(pages.settings.store, "read", monkeypatch)
    yield gate
    gate.go.set()


@pytest.fixture
def writes(pages: Pages, app: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(pages.settings.store, "write", monkeypatch)
    yield gate
    gate.go.set()


@pytest.mark.parametrize(
    "path", ["/", "/events", "/recall?lot=L1", "/metrics", f"{PREFIX}/units", f"{PREFIX}/stock.csv"]
)
async def test_what_only_reads_has_threads_of_its_own(ask: Any, reads: Gate, path: str) -> None:
    assert (await ask(path)).code == 200
    assert set(reads.threads) == {"page"}


async def test_what_may_book_has_others(ask: Any, reads: Gate, writes: Gate) -> None:
    assert (await ask("/items/SOAP/receive", {"quantity": "1", "location": "MAIN"})).code == 200
    receive = f"{PREFIX}/stock/receive"
    assert (await ask(receive, method="POST", body=RECEIPT, headers=JSON)).code == 200
    keyed = {**JSON, "Idempotency-Key": "a"}
    assert (await ask(receive, method="POST", body=RECEIPT, headers=keyed)).code == 200
    assert set(writes.threads) == {"action"}
    assert set(reads.threads) <= {"action"}


async def test_reading_what_a_program_asks_does_not_hold_up_the_event_loop(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, read = [], handler.arguments

    def reading(*arguments: Any) -> dict[str, Any]:
        seen.append(threading.current_thread().name.rpartition("_")[0])
        return read(*arguments)

    monkeypatch.setattr(handler, "arguments", reading)
    await ask(f"{PREFIX}/units")
    assert (await ask(f"{PREFIX}/units/1/hold", method="POST", body=b"{}", headers=JSON)).code == 400
    assert seen == ["page", "page"]


async def test_actions_that_wait_for_the_writer_hold_up_nobody_who_reads(ask: Any, writes: Gate) -> None:
    writes.go.clear()
    form = {"quantity": "1", "location": "MAIN"}
    waiting = [asyncio.ensure_future(ask("/items/SOAP/receive", form)) for _ in range(9)]
    while len(writes.threads) < 2:
        await asyncio.sleep(0.001)
    for path in ("/", "/healthz", f"{PREFIX}/units"):
        assert (await ask(path)).code == 200
    assert await asyncio.to_thread(threading.active_count)  # the loops have theirs
    assert not any(one.done() for one in waiting)
    writes.go.set()
    assert {(await one).code for one in waiting} == {200}


@pytest.mark.parametrize("path", ["/", f"{PREFIX}/units", "/metrics"])
async def test_where_too_many_wait_the_next_is_told_to_come_again(ask: Any, app: Application, path: str) -> None:
    [site] = {id(rule.target_kwargs["site"]): rule.target_kwargs["site"] for rule in rules(app)}.values()
    site.reads._calls = 44
    answer = await ask(path)
    assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
    assert b"44 requests are answered or wait already" in answer.body
    assert (await ask("/healthz")).code == 200
    site.reads._calls = 43
    assert (await ask(path)).code == 200


def rules(app: Application) -> list[Any]:
    return app.wildcard_router.rules


async def test_so_many_wait_and_no_more() -> None:
    threads, go = Threads("test", 1, 1), threading.Event()
    running, waiting = [asyncio.ensure_future(threads.run(lambda: go.wait(60))) for _ in range(2)]
    await asyncio.sleep(0)
    assert threads.crowded
    with pytest.raises(StoreUnavailable, match="2 requests are answered or wait already"):
        await threads.run(lambda: True)
    begun = asyncio.ensure_future(threads.run(lambda: "the next piece", begun=True))
    await asyncio.sleep(0)
    assert not any(one.done() for one in (running, waiting, begun))
    go.set()
    assert [await running, await waiting, await begun] == [True, True, "the next piece"]
    assert await threads.run(lambda: "again") == "again"


async def test_what_has_waited_for_too_long_is_not_done_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockhook.web.threads.PATIENCE", -1.0)
    threads, done = Threads("test", 1, 1), []
    with pytest.raises(StoreUnavailable, match="nothing was free"):
        await threads.run(lambda: done.append("late"))
    await threads.run(lambda: done.append("the next piece"), begun=True)
    assert done == ["the next piece"]


async def test_what_waits_for_a_thread_when_the_daemon_ends_is_not_done_any_more() -> None:
    threads, go, ended = Threads("test", 1, 3), threading.Event(), threading.Event()
    running = asyncio.ensure_future(threads.run(lambda: go.wait(60), ending=ended.is_set))
    waiting = asyncio.ensure_future(threads.run(lambda: True, ending=ended.is_set))
    begun = asyncio.ensure_future(threads.run(lambda: "the next piece", begun=True, ending=ended.is_set))
    await asyncio.sleep(0)
    ended.set()
    go.set()
    assert await running is True
    with pytest.raises(StoreUnavailable, match="the daemon is stopping"):
        await waiting
    assert await begun == "the next piece"


async def test_the_work_has_the_context_of_who_asked_for_it() -> None:
    WHO.set("me")
    assert await Threads("test", 1, 0).run(WHO.get) == "me"


async def test_what_goes_wrong_is_raised_and_makes_room() -> None:
    threads = Threads("test", 1, 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)


@pytest.mark.parametrize("begun", [False, True])
async def test_what_no_future_can_hold_is_raised_as_something_else_and_makes_room(begun: bool) -> None:
    threads = Threads("test", 1, 0)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="StopIteration") as raised:
            await asyncio.wait_for(threads.run(lambda: next(iter(())), begun=begun), 60)
        assert isinstance(raised.value.__cause__, StopIteration)
    assert not threads.crowded
