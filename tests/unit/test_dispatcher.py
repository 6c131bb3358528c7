"""The outbox and the notifiers: who is told when, and what a failing notifier does to the others."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from outbox_scene import MINUTE, Notifier, close, dispatcher, fail, hang, notices, outbox, put
from structlog.testing import capture_logs

from stockhook.errors import StoreUnavailable
from stockhook.model import Notice, NoticeState, ProblemState
from stockhook.notifier import Message
from stockhook.store import Work
from stockhook.testing import ManualClock, factories
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


async def test_a_due_notice_is_sent_with_what_a_person_needs_and_marked(store: MemoryStore, clock: ManualClock) -> None:
    with store.write() as work:
        work.save([factories.problem("quarantined", "5", id=9, channel="shop")])
    put(store, problem_id=1, account="ultracart:DEMO", order_id="DEMO-7", count=2)
    put(store, problem_id=9, kind="quarantined", subject="5", event_id=5)
    office = Notifier()
    assert await dispatcher(store, clock, office=office).send_due() == 2
    first, second = office.messages
    assert (first.title, first.subject, first.order_id, first.count) == ("Unknown item", "SOAP", "DEMO-7", 2)
    assert first.happened == "Nothing maps this code."
    assert "stockhook items alias SOAP" in first.advice
    assert first.link == "https://stock.example.com/problems#1"
    assert (second.channel, second.title) == ("shop", "Unreadable delivery")
    assert [(n.state, n.attempts, n.sent_at) for n in notices(store)] == [(NoticeState.SENT, 1, clock.now())] * 2


async def test_what_was_sent_is_not_sent_again(store: MemoryStore, clock: ManualClock) -> None:
    put(store)
    office = Notifier()
    for _ in range(3):
        await dispatcher(store, clock, office=office).send_due()
    assert len(office.messages) == 1


async def test_a_closing_notice_asks_for_nothing(store: MemoryStore, clock: ManualClock) -> None:
    put(store, about="closed")
    office = Notifier()
    await dispatcher(store, clock, office=office).send_due()
    assert office.messages[0].advice == "Nothing is left to do."


async def test_a_notice_of_a_group_says_how_many_and_names_no_single_problem(
    store: MemoryStore, clock: ManualClock
) -> None:
    put(store, about="more", problem_id=0, subject="", count=55)
    office = Notifier()
    await dispatcher(store, clock, office=office).send_due()
    (message,) = office.messages
    assert (message.title, message.subject, message.count) == ("Unknown item", "and 55 more", 55)
    assert message.happened == "The newest of them: Nothing maps this code."
    assert "The page of problems has them all" in message.advice


async def test_a_notice_that_is_not_due_waits(store: MemoryStore, clock: ManualClock) -> None:
    put(store, due_at=clock.now() + MINUTE)
    office = Notifier()
    sending = dispatcher(store, clock, office=office)
    assert await sending.send_due() == 0
    clock.advance(MINUTE)
    assert await sending.send_due() == 1


async def test_a_notice_that_a_wrong_clock_has_put_off_for_years_is_sent(
    store: MemoryStore, clock: ManualClock
) -> None:
    put(store, due_at=clock.now() + timedelta(days=3650))
    assert await dispatcher(store, clock, office=Notifier()).send_due() == 1


async def test_a_notice_for_a_notifier_that_left_the_config_is_dropped(store: MemoryStore, clock: ManualClock) -> None:
    put(store, notifier="attic")
    assert await dispatcher(store, clock, office=Notifier()).send_due() == 0
    (notice,) = notices(store)
    assert notice.state is NoticeState.DROPPED
    assert notice.error == "the config has no notifier attic"


async def test_notices_of_one_problem_are_sent_oldest_first_even_when_the_first_fails(
    store: MemoryStore, clock: ManualClock
) -> None:
    put(store)
    put(store, about="closed")
    office = Notifier(fail)
    sending = dispatcher(store, clock, office=office)
    await sending.send_due()
    office.does = None
    assert await sending.send_due() == 0
    clock.advance(MINUTE)
    assert await sending.send_due() == 2
    assert [message.about for message in office.messages] == ["opened", "closed"]


async def test_a_summary_held_for_later_holds_up_nothing(store: MemoryStore, clock: ManualClock) -> None:
    put(store, about="again", due_at=clock.now() + 30 * MINUTE)
    put(store, about="closed")
    office = Notifier()
    await dispatcher(store, clock, office=office).send_due()
    assert [message.about for message in office.messages] == ["closed"]


# What goes wrong


@pytest.mark.parametrize(
    ("attempts", "chance", "minutes"),
    [(0, 0.0, 1), (1, 0.0, 2), (2, 1.0, 4.4), (5, 0.0, 32), (6, 0.0, 60), (99, 1.0, 66)],
)
async def test_a_failure_is_tried_again_later_and_later(
    attempts: int, chance: float, minutes: float, store: MemoryStore, clock: ManualClock
) -> None:
    put(store, attempts=attempts)
    await dispatcher(store, clock, chance=chance, office=Notifier(fail)).send_due()
    (notice,) = notices(store)
    assert (notice.state, notice.attempts) == (NoticeState.WAITING, attempts + 1)
    assert notice.due_at == clock.now() + timedelta(minutes=minutes)
    assert notice.error == "ConnectionRefusedError: mail.example.com:587 refuses connections"


async def test_success_after_failures_leaves_no_error(store: MemoryStore, clock: ManualClock) -> None:
    put(store, attempts=3, error="ConnectionRefusedError: down")
    await dispatcher(store, clock, office=Notifier()).send_due()
    (notice,) = notices(store)
    assert (notice.state, notice.attempts, notice.error) == (NoticeState.SENT, 4, None)


async def test_a_notice_of_an_open_problem_is_never_given_up(store: MemoryStore, clock: ManualClock) -> None:
    put(store)
    clock.advance(timedelta(days=30))
    await dispatcher(store, clock, office=Notifier(fail)).send_due()
    assert notices(store)[0].state is NoticeState.WAITING


@pytest.mark.parametrize("state", [ProblemState.CLOSED, ProblemState.ACKNOWLEDGED])
async def test_a_notice_of_a_problem_that_is_over_is_dropped_after_three_days(
    state: ProblemState, store: MemoryStore, clock: ManualClock
) -> None:
    put(store)
    close(store, state)
    sending = dispatcher(store, clock, office=Notifier(fail))
    clock.advance(timedelta(days=3) - MINUTE)
    await sending.send_due()
    assert notices(store)[0].state is NoticeState.WAITING
    clock.advance(2 * MINUTE)
    await sending.send_due()
    assert (notices(store)[0].state, notices(store)[0].attempts) == (NoticeState.DROPPED, 2)


async def test_a_hanging_notifier_is_given_up_and_delays_nobody_else(store: MemoryStore, clock: ManualClock) -> None:
    put(store, notifier="slow")
    put(store, notifier="office")
    slow, office = Notifier(hang), Notifier()
    assert await dispatcher(store, clock, slow=slow, office=office, patience=0.2).send_due() == 1
    states = {notice.notifier: (notice.state, notice.error) for notice in notices(store)}
    assert states == {
        "slow": (NoticeState.WAITING, "TimeoutError: not done after 0.2 s"),
        "office": (NoticeState.SENT, None),
    }


async def test_a_notifier_that_is_deaf_to_being_cancelled_is_left_behind(
    store: MemoryStore, clock: ManualClock
) -> None:
    release = asyncio.Event()

    async def deaf(_message: Message) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        raise RuntimeError("too late")

    put(store, notifier="deaf")
    await asyncio.wait_for(dispatcher(store, clock, deaf=Notifier(deaf), patience=0.05).send_due(), 50)
    assert notices(store)[0].error == "TimeoutError: not done after 0.05 s"
    release.set()
    await asyncio.sleep(0)


async def test_a_notifier_that_cancels_itself_has_failed(store: MemoryStore, clock: ManualClock) -> None:
    async def cancelled(_message: Message) -> None:
        raise asyncio.CancelledError

    put(store)
    await dispatcher(store, clock, office=Notifier(cancelled)).send_due()
    assert notices(store)[0].state is NoticeState.WAITING


async def test_a_message_that_was_accepted_is_not_sent_again_because_the_store_is_away(
    store: MemoryStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, refusals = store.write, iter([True])

    def away() -> AbstractContextManager[Work]:
        if next(refusals, False):
            raise StoreUnavailable("disk full")
        return write()

    put(store)
    monkeypatch.setattr(store, "write", away)
    office = Notifier()
    sending = dispatcher(store, clock, office=office)
    assert await sending.send_due() == 1
    assert len(office.messages) == 1
    assert notices(store)[0].state is NoticeState.SENT


async def test_a_notice_that_was_dropped_while_it_waited_its_turn_is_not_sent(
    store: MemoryStore, clock: ManualClock
) -> None:
    async def drop_the_other(_message: Message) -> None:
        with store.write() as work:
            (second,) = [notice for notice in work.find(Notice) if notice.id == 2]
            work.save([replace(second, state=NoticeState.DROPPED)])

    put(store)
    put(store, problem_id=2)
    office = Notifier(drop_the_other)
    await dispatcher(store, clock, office=office).send_due()
    assert [message.id for message in office.messages] == [1]


async def test_it_reports_a_notifier_that_fails_three_times_in_a_row_and_that_it_works_again(
    store: MemoryStore, clock: ManualClock
) -> None:
    reports: list[tuple[str, str | None]] = []
    office = Notifier(fail)
    put(store)
    sending = dispatcher(store, clock, office=office, report=lambda *report: reports.append(report))
    for _ in range(5):
        await sending.send_due()
        clock.advance(timedelta(hours=2))
    assert reports == [("office", "ConnectionRefusedError: mail.example.com:587 refuses connections")]
    office.does = None
    put(store)
    await sending.send_due()
    assert reports[1:] == [("office", None)]


# The loop
