from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from stockhook.draft import Signal
from stockhook.model import Booking, Notice, OrderKey, Problem, ProblemState, Wait, WaitKind
from stockhook.operations.problems import acknowledge
from stockhook.outbox import Subscription
from stockhook.problems import Occurrence, Report, cause_gone, record
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import ManualClock
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

KEY = OrderKey(make.ACCOUNT, "D-1")
OTHER = OrderKey(make.ACCOUNT, "D-2")


class Book:
    """A store to which reports are made."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.store.open()
        self.clock = ManualClock()
        channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
        self.shop = Shop(self.store, channel, Fifo(Fifo.Options()), clock=self.clock)

    def report(self, **parts: object) -> None:
        now = self.clock.advance(timedelta(minutes=1))
        with self.store.write() as work:
            record(work, Report(**parts), {"office": Subscription()}, now)  # type: ignore[arg-type]

    def happened(self, *signals: Signal) -> None:
        self.report(happened=[occurrence(signal) for signal in signals])

    def stands(self, *signals: Signal, key: OrderKey = KEY) -> None:
        self.report(standing={key: [occurrence(signal, key) for signal in signals]})

    def settled(self, *keys: tuple[str, str]) -> None:
        self.report(settled=set(keys))

    def problems(self, state: ProblemState | None = None) -> Sequence[Problem]:
        return self.shop.find(Problem, state=state) if state else self.shop.find(Problem)

    def opened(self) -> dict[tuple[str, str], int]:
        return {(one.kind, one.subject): one.count for one in self.problems(ProblemState.OPEN)}


def occurrence(signal: Signal, key: OrderKey = KEY) -> Occurrence:
    return Occurrence(signal, "shop", key.account, key.order_id)


@pytest.fixture
def book() -> Book:
    return Book()


SHORT = Signal("insufficient-inventory", "A", "2 of A could not be found")
UNKNOWN = Signal("unknown-item", f"{make.ACCOUNT}/NEW", "NEW is no item of ours")
NO_ITEMS = Signal("no-items", "shop", "came without lines")
REGRESSION = Signal("regression", f"{make.ACCOUNT}/D-1/1", "1 more is booked than the store allows")


def test_an_occurrence_opens_a_problem_and_the_next_one_counts(book: Book) -> None:
    book.happened(SHORT)
    book.happened(SHORT, replace(SHORT, text="5 of A could not be found"))
    (problem,) = book.problems()
    assert (problem.count, problem.text) == (3, "5 of A could not be found")
    assert (problem.last_seen - problem.first_seen) == timedelta(minutes=1)
    assert (problem.channel, problem.account, problem.order_id) == ("shop", make.ACCOUNT, "D-1")


def test_a_storm_in_one_unit_of_work_is_one_row_and_one_notice(book: Book) -> None:
    book.happened(*[SHORT] * 500)
    assert book.opened() == {("insufficient-inventory", "A"): 500}
    assert len(book.shop.find(Notice)) == 1


def test_different_subjects_are_different_problems(book: Book) -> None:
    book.happened(SHORT, replace(SHORT, subject="B"), UNKNOWN)
    assert len(book.opened()) == 3


def test_nothing_to_tell_writes_nothing(book: Book) -> None:
    book.report()
    assert book.problems() == []
    assert not Report()


def test_what_settles_closes_and_opens_anew_as_another_problem(book: Book) -> None:
    book.happened(NO_ITEMS)
    book.settled(("no-items", "shop"))
    assert book.opened() == {}
    book.happened(NO_ITEMS)
    assert [one.state for one in book.problems()] == [ProblemState.OPEN, ProblemState.CLOSED]
    assert [one.count for one in book.problems()] == [1, 1]


def test_what_settles_where_nothing_is_open_is_no_matter(book: Book) -> None:
    book.settled(("no-items", "shop"), ("insufficient-inventory", "A"))
    assert book.problems() == []


def test_what_happens_and_settles_in_one_unit_of_work_stays_open_where_nothing_shows_its_cause(book: Book) -> None:
    book.report(happened=[occurrence(NO_ITEMS)], settled={("no-items", "shop")})
    assert book.opened() == {("no-items", "shop"): 1}


class TestCauses:
    def wait(self, book: Book, *waits: Wait) -> None:
        with book.store.write() as work:
            known = work.orders([KEY]).get(KEY)
            order = known.order if known else make.order("D-1")
            assert not work.book([Booking(order=order, waits=waits)])

    def test_an_unknown_item_stands_as_long_as_an_order_waits_for_its_code(self, book: Book) -> None:
        book.happened(UNKNOWN)
        self.wait(book, Wait(*KEY, WaitKind.CODE, "new"))
        book.settled((UNKNOWN.kind, UNKNOWN.subject))
        assert book.opened() == {("unknown-item", f"{make.ACCOUNT}/NEW"): 1}
        self.wait(book)
        book.settled((UNKNOWN.kind, UNKNOWN.subject))
        assert book.opened() == {}

    def test_a_shortage_stands_as_long_as_an_order_waits_for_the_item(self, book: Book) -> None:
        book.happened(SHORT)
        self.wait(book, Wait(*KEY, WaitKind.ITEM, "A"))
        book.settled((SHORT.kind, SHORT.subject))
        assert len(book.opened()) == 1
        self.wait(book)
        book.settled((SHORT.kind, SHORT.subject))
        assert book.opened() == {}

    def test_a_shortage_stands_as_long_as_a_row_of_it_is_open(self, book: Book) -> None:
        with book.store.write() as work:
            work.book([Booking(order=make.order("D-1"), shortages=(make.shortage("D-1", sku="A"),))])
            assert not cause_gone(work, make.problem("insufficient-inventory", "A"))
            assert cause_gone(work, make.problem("insufficient-inventory", "B"))

    def test_one_that_came_and_went_in_a_unit_of_work_was_none(self, book: Book) -> None:
        book.report(happened=[occurrence(SHORT)], settled={(SHORT.kind, SHORT.subject)})
        assert book.problems() == []


class TestStanding:
    def test_it_counts_once_however_often_it_is_found_to_stand(self, book: Book) -> None:
        for _ in range(3):
            book.stands(REGRESSION)
        assert book.opened() == {(REGRESSION.kind, REGRESSION.subject): 1}
        book.stands(replace(REGRESSION, text="2 more are booked than the store allows"))
        assert book.opened() == {(REGRESSION.kind, REGRESSION.subject): 2}

    def test_it_closes_when_it_does_not_stand_any_more(self, book: Book) -> None:
        book.stands(REGRESSION)
        book.stands()
        assert [one.state for one in book.problems()] == [ProblemState.CLOSED]

    def test_another_order_closes_nothing(self, book: Book) -> None:
        book.stands(REGRESSION)
        book.stands(key=OTHER)
        assert len(book.opened()) == 1

    def test_an_order_that_was_not_judged_closes_nothing(self, book: Book) -> None:
        book.stands(REGRESSION)
        book.happened(SHORT)
        assert len(book.opened()) == 2

    def test_what_a_person_acknowledged_stays_quiet_until_it_says_something_else(self, book: Book) -> None:
        book.stands(REGRESSION)
        acknowledge(book.shop.desk, book.problems()[0].id)
        book.stands(REGRESSION)
        assert book.opened() == {}
        book.stands(replace(REGRESSION, text=f"{3 * ONE} more"))
        assert len(book.opened()) == 1
