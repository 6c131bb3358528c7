from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.batch import Batch, Policies
from stockhook.errors import NotFound, Refused
from stockhook.model import Audit, Booking, Notice, OrderKey, Problem, ProblemState, Shortage
from stockhook.operations import problems
from stockhook.operations.verify import verify
from stockhook.outbox import Subscription
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Read
from stockhook.testing import factories
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores import memory
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"


def open_shop(**rules: object) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    chosen = ChannelRules("shop", **rules)  # type: ignore[arg-type]
    return Shop(store, channel, Fifo(Fifo.Options()), rules=chosen, subscriptions={"office": Subscription()})


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = open_shop()
    yield shop
    shop.store.close()


def ship(shop: Shop, order_id: str, quantity: int, code: str = "SOAP") -> None:
    shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED)])))


def only(shop: Shop, kind: str = "insufficient-inventory") -> Problem:
    (problem,) = shop.find(Problem, kind=kind)
    return problem


def test_waiving_ends_what_is_owed_oldest_first_and_closes_the_problem(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    ship(shop, "D-2", 4)
    waived = problems.waive(shop.desk, only(shop).id, 4 * ONE, " lost ")
    assert (waived.quantity, waived.owed, waived.problem.state) == (4 * ONE, 3 * ONE, ProblemState.OPEN)
    assert [key.order_id for key in waived.orders] == ["D-1", "D-2"]
    first, second = shop.find(Shortage)[::-1]
    assert (first.open, first.waived, first.reason, first.actor) == (0, 3 * ONE, "lost", "cli:test")
    assert (second.open, second.waived) == (3 * ONE, ONE)
    assert (shop.states("D-1"), shop.states("D-2")) == (["applied"], ["parked"])

    waived = problems.waive(shop.desk, only(shop).id, None, "lost too")
    assert (waived.owed, waived.problem.state) == (0, ProblemState.CLOSED)
    assert shop.states("D-2") == ["applied"]
    assert shop.find(Notice)[0].about == "closed"
    assert [entry.reason for entry in shop.find(Audit, action="problems waive")] == ["lost too", "lost"]


def test_what_has_settled_in_part_says_what_is_owed_now_and_tells_nobody_again(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    ship(shop, "D-2", 4)
    said, told = only(shop), shop.find(Notice)
    shop.receive(("SOAP", 2))
    known = only(shop)
    assert known.text == "5 of SOAP could not be found, and are still owed to 2 orders (D-1, D-2)"
    assert (replace(known, text=said.text), shop.find(Notice)) == (said, told)
    shop.receive(("SOAP", 4))
    assert only(shop).text == "1 of SOAP could not be found, and is still owed to 1 order (D-2)"
    problems.waive(shop.desk, known.id, None, "lost")
    assert problems.reopen(shop.desk, known.id).problem.text == only(shop).text
    for number in (3, 4, 5):
        ship(shop, f"D-{number}", 1)
    problems.waive(shop.desk, known.id, ONE // 2, "lost")
    assert only(shop).text == "3.5 of SOAP could not be found, and are still owed to 4 orders (D-2, D-3, D-4, ...)"


def test_what_is_owed_to_all_orders_is_said_before_what_was_told_of_the_last(shop: Shop) -> None:
    shop.items("SOAP", "SALT")
    ship(shop, "D-1", 5)
    before = only(shop)
    assert problems.list_problems(shop.desk) == [before]  # of one order it says all there is to say
    ship(shop, "D-2", 4)
    (listed,) = problems.list_problems(shop.desk)
    last = "order D-2 shipped 4 of SOAP, 4 of it could not be found"
    assert only(shop).text == last
    assert listed.text == f"9 of SOAP could not be found, and are still owed to 2 orders (D-1, D-2). The last: {last}"
    shop.receive(("SOAP", 5))
    assert problems.list_problems(shop.desk) == [only(shop)]
    shop.receive(("SOAP", 4))
    assert problems.list_problems(shop.desk, None) == [only(shop)]


def test_an_order_that_waits_no_more_leaves_the_others_to_be_told_of() -> None:
    shop = open_shop(on_shortage=ShortagePolicy.ORDER)
    shop.items("SOAP")
    for number in (1, 2):
        ship(shop, f"D-{number}", number)
    shop.receive(("SOAP", 1))
    assert shop.booked("D-1") == {"SOAP": ONE}
    assert only(shop).text == "SOAP is short: 1 order (D-2) waits until all of it can be covered"


def test_what_was_waived_stays_so_when_goods_come_and_events_come_again(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    problems.waive(shop.desk, only(shop).id, None, "lost")
    shop.receive(("SOAP", 10))
    ship(shop, "D-1", 5)
    assert shop.on_hand("SOAP") == 10 * ONE
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}


def test_reopening_takes_back_what_was_waived_by_way_of_that_problem_alone(shop: Shop) -> None:
    shop.items("SOAP")
    ship(shop, "D-1", 3)
    first = only(shop)
    problems.waive(shop.desk, first.id, 2 * ONE, "lost")
    problems.waive(shop.desk, first.id, ONE, "lost")
    shop.clock.advance(timedelta(days=1))
    ship(shop, "D-2", 5)
    second = shop.find(Problem, state=ProblemState.OPEN)[0]
    assert second.id != first.id
    problems.waive(shop.desk, second.id, None, "gone")

    reopened = problems.reopen(shop.desk, first.id)
    assert (reopened.quantity, reopened.owed) == (3 * ONE, 3 * ONE)
    assert reopened.problem.state is ProblemState.OPEN
    assert [key.order_id for key in reopened.orders] == ["D-1"]
    assert shop.states("D-1") == ["parked"]
    with pytest.raises(Refused, match="nothing of it was waived"):
        problems.reopen(shop.desk, first.id)
    shop.receive(("SOAP", 10))
    assert shop.booked("D-1") == {"SOAP": 3 * ONE}
    assert shop.states("D-1") == ["applied"]


def test_what_is_owed_again_takes_goods_that_are_there(shop: Shop) -> None:
    shop.items("SOAP")
    ship(shop, "D-1", 3)
    problems.waive(shop.desk, only(shop).id, None, "lost")
    shop.receive(("SOAP", 10))
    reopened = problems.reopen(shop.desk, only(shop).id)
    assert (reopened.owed, reopened.problem.state) == (0, ProblemState.CLOSED)
    assert shop.booked("D-1") == {"SOAP": 3 * ONE}


def test_more_than_is_owed_or_nothing_or_without_a_reason_is_not_waived(shop: Shop) -> None:
    shop.items("SOAP")
    ship(shop, "D-1", 3)
    problem = only(shop)
    for quantity, reason, said in (
        (4 * ONE, "lost", "3 of SOAP are owed, not 4; nothing was waived"),
        (0, "lost", "give a quantity above 0"),
        (-ONE, "lost", "give a quantity above 0"),
        (None, " ", "needs a reason"),
    ):
        with pytest.raises(Refused, match=said):
            problems.waive(shop.desk, problem.id, quantity, reason)
    with pytest.raises(NotFound, match="there is no problem 99"):
        problems.waive(shop.desk, 99, None, "lost")
    assert shop.owed("SOAP") == 3 * ONE
    problems.waive(shop.desk, problem.id, None, "lost")
    with pytest.raises(Refused, match="nothing is owed of SOAP"):
        problems.waive(shop.desk, problem.id, None, "lost")


def test_waiving_is_tried_again_when_the_order_was_booked_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.items("SOAP")
    ship(shop, "D-1", 3)
    problem = only(shop)
    plain, tries = memory._Work.book, iter([False, False, True])

    def book(work: memory._Work, bookings: list[Booking]) -> frozenset[OrderKey | None]:
        return plain(work, bookings) if next(tries) else frozenset({bookings[0].key})

    monkeypatch.setattr(memory._Work, "book", book)
    assert problems.waive(shop.desk, problem.id, ONE, "lost").owed == 2 * ONE
    assert len(shop.find(Audit, action="problems waive")) == 1

    monkeypatch.setattr(memory._Work, "book", lambda work, bookings: frozenset({bookings[0].key}))
    with pytest.raises(Refused, match="try again in a moment"):
        problems.waive(shop.desk, problem.id, ONE, "lost")
    assert shop.owed("SOAP") == 2 * ONE


@pytest.mark.parametrize("done", ["waive", "reopen"])
def test_goods_that_settle_what_is_owed_between_two_reads_stay_booked(
    done: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.items("SOAP")
    ship(shop, "D-1", 5)
    problem = only(shop)
    if done == "reopen":
        problems.waive(shop.desk, problem.id, 2 * ONE, "lost")
    come = iter([True])

    def batch(policies: Policies, view: Read, keys: Collection[OrderKey]) -> Batch:
        if next(come, False):
            shop.receive(("SOAP", 3))
        return Batch(policies, view, keys)

    monkeypatch.setattr(problems, "Batch", batch)
    if done == "waive":
        problems.waive(shop.desk, problem.id, None, "lost")
    else:
        problems.reopen(shop.desk, problem.id)
    (row,) = shop.find(Shortage)
    assert (row.settled, row.waived + row.open) == (3 * ONE, 2 * ONE)
    assert shop.booked("D-1") == {"SOAP": 3 * ONE}
    assert shop.on_hand("SOAP") == 0
    assert [check for check in verify(shop.desk, 30) if not check.ok] == []


def test_only_what_is_owed_can_be_waived(shop: Shop) -> None:
    ship(shop, "D-1", 3)
    with pytest.raises(Refused, match=r"of the kind unknown-item; only what is owed.*acknowledge"):
        problems.waive(shop.desk, only(shop, "unknown-item").id, None, "lost")


def test_orders_that_wait_whole_are_named_instead_of_waived() -> None:
    shop = open_shop(on_shortage=ShortagePolicy.ORDER)
    shop.items("SOAP")
    ship(shop, "D-1", 3)
    with pytest.raises(Refused, match=r"1 order \(D-1\) waits until all of it can be covered"):
        problems.waive(shop.desk, only(shop).id, None, "lost")


def test_an_acknowledged_problem_is_quiet_and_can_be_reopened(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([factories.problem("kit-mismatch", "GIFT")])
    known = problems.acknowledge(shop.desk, 1)
    assert known.state is ProblemState.ACKNOWLEDGED
    assert shop.find(Notice) == []
    assert problems.list_problems(shop.desk) == []
    assert problems.list_problems(shop.desk, None, "kit-mismatch") == [known]
    with pytest.raises(Refused, match="acknowledged before"):
        problems.acknowledge(shop.desk, 1)
    assert problems.reopen(shop.desk, 1).problem.state is ProblemState.OPEN
    assert shop.find(Audit)[0].action == "problems reopen"


def test_a_problem_that_closed_by_itself_is_not_acknowledged(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([factories.problem(state=ProblemState.CLOSED)])
    with pytest.raises(Refused, match="has closed by itself"):
        problems.acknowledge(shop.desk, 1)


def test_a_problem_that_closes_while_it_is_being_acknowledged_stays_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.store.write() as work:
        work.save([factories.problem("bad-plan", "fifo")])
    plain, settled = problems.known, iter([True])

    def find(view: Read, record: type[Problem], problem_id: int) -> Problem:
        found = plain(view, record, problem_id)
        if next(settled, False):
            with shop.store.write() as work:
                work.save([replace(found, state=ProblemState.CLOSED)])
        return found

    monkeypatch.setattr(problems, "known", find)
    with pytest.raises(Refused, match="has closed by itself"):
        problems.acknowledge(shop.desk, 1)
    assert shop.find(Problem)[0].state is ProblemState.CLOSED
    assert shop.find(Audit) == []


def test_a_problem_without_a_cause_or_with_a_newer_one_open_is_not_reopened(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([factories.problem("insufficient-inventory", "SOAP", state=ProblemState.CLOSED)])
        work.save([factories.problem("bad-plan", "fifo", state=ProblemState.CLOSED)])
        work.save([factories.problem("bad-plan", "fifo")])
    with pytest.raises(Refused, match="nothing waits for SOAP any more; problem 1 stays closed"):
        problems.reopen(shop.desk, 1)
    with pytest.raises(Refused, match="problem 3 is open for the same cause"):
        problems.reopen(shop.desk, 2)


@given(
    stock=st.integers(0, 6),
    orders=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    steps=st.lists(st.tuples(st.sampled_from(["waive", "reopen", "receive", "again"]), st.integers(1, 4)), max_size=8),
)
def test_whatever_is_waived_and_taken_back_the_book_holds(
    stock: int, orders: list[int], steps: list[tuple[str, int]]
) -> None:
    shop = open_shop()
    shop.items("SOAP")
    if stock:
        shop.receive(("SOAP", stock))
    for n, quantity in enumerate(orders):
        ship(shop, f"D-{n}", quantity)
    received = stock
    for what, amount in steps:
        known = shop.find(Problem, kind="insufficient-inventory")
        if what == "receive":
            shop.receive(("SOAP", amount))
            received += amount
        elif what == "again":
            ship(shop, "D-0", orders[0])
        elif known:
            try:
                if what == "waive":
                    problems.waive(shop.desk, known[0].id, amount * ONE, "lost")
                else:
                    problems.reopen(shop.desk, known[-1].id)
            except Refused:
                pass
        shop.work()
    assert [check for check in verify(shop.desk, 30) if not check.ok] == []
    consumed = sum(shop.booked(f"D-{n}").get("SOAP", 0) for n in range(len(orders)))
    waived = sum(row.waived for row in shop.find(Shortage))
    assert consumed + waived + shop.owed("SOAP") == sum(orders) * ONE
    assert shop.on_hand("SOAP") == received * ONE - consumed
