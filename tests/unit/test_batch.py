from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, cast

import pytest

from stockhook.allocation import Method
from stockhook.batch import Batch, Policies
from stockhook.draft import Cause
from stockhook.model import (
    NEW,
    Delivery,
    DeliveryState,
    Event,
    EventState,
    Need,
    Offer,
    Order,
    OrderKey,
    Pick,
    Problem,
    ProblemState,
    Shortage,
    Snapshot,
    SnapshotLine,
    Wait,
)
from stockhook.operations.codes import alias, ignore
from stockhook.operations.problems import acknowledge
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Store
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.payloads import envelope, event, kit, line, order_ship
from stockhook.testing.shop import Shop
from stockhook.worker import Worker
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
DAY3 = "2026-11-03T12:00:00-05:00"
KEY = OrderKey("ultracart:DEMO", "D-1")


class Lying(Fifo):
    """Fifo that takes more than there is, as long as it is told to."""

    type = "lying"
    lies: ClassVar[bool] = False

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        picks = super().plan(need, units)
        return [Pick(pick.unit_id, pick.quantity + 10**9, pick.why) for pick in picks] if self.lies else picks


def open_shop(**rules: Any) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Lying(Lying.Options()), rules=ChannelRules("shop", **rules))


@pytest.fixture
def shop() -> Shop:
    return open_shop()


def counts(shop: Shop) -> dict[str, int]:
    return {problem.kind: problem.count for problem in shop.find(Problem, state=ProblemState.OPEN)}


def test_two_events_of_one_order_in_one_batch_count_once(shop: Shop) -> None:
    shop.stock(A=10)
    first = order_ship("D-1", [line("A", 2, shipped=DAY1)])
    more = order_ship("D-1", [line("A", 5, shipped=DAY1)], created=DAY2)
    events = shop.send(envelope(first, more, first))
    assert shop.booked("D-1") == {"A": 5 * ONE}
    assert [one.state for one in events] == [EventState.APPLIED, EventState.APPLIED, EventState.SUPERSEDED]


def test_what_one_event_took_a_later_one_of_the_same_batch_gives_back(shop: Shop) -> None:
    shop.stock(A=3, B=1)
    undated = order_ship("D-1", [line("A", 3), line("B", 1)], shipping_date=DAY1)
    dated = order_ship("D-1", [line("A", 3), line("B", 1, shipped=DAY2)], shipping_date=DAY1, created=DAY2)
    other = order_ship("D-2", [line("A", 2, shipped=DAY2)])
    shop.send(envelope(undated, dated, other))
    assert shop.booked("D-1") == {"B": ONE}
    assert shop.booked("D-2") == {"A": 2 * ONE}
    assert shop.on_hand("A") == ONE


def test_a_shortage_opened_and_withdrawn_in_one_batch_leaves_a_closed_row(shop: Shop) -> None:
    shop.stock(A=1)
    shop.send(
        envelope(
            order_ship("D-1", [line("A", 3, shipped=DAY1)]),
            event("order_update", "D-1", [line("A", 1)], created=DAY2),
        )
    )
    assert [(row.quantity, row.open, row.withdrawn) for row in shop.find(Shortage)] == [(2 * ONE, 0, 2 * ONE)]
    assert shop.states("D-1") == ["applied", "applied"]


def test_an_event_that_raises_leaves_pool_and_order_as_they_were(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock(A=10)
    with shop.store.read() as view:
        batch = Batch(shop.desk.policies, view, [KEY], {(KEY.account, "a")})
        note(batch, 2, delivery=1)
        state = batch.state(KEY)
        mark = batch.pool.mark()
        with monkeypatch.context() as patch:
            patch.setattr("stockhook.evaluate.verdict", broken)
            with pytest.raises(ZeroDivisionError):
                note(batch, 5, delivery=2)
            with pytest.raises(ZeroDivisionError):
                note(batch, 5, delivery=2, order_id="D-2")
        assert batch.state(KEY) is state
        assert batch.state(OrderKey("ultracart:DEMO", "D-2")) is None
        assert batch.pool.mark() == mark
        note(batch, 5, delivery=2)
        (booking,) = batch.bookings()
        assert sum(movement.quantity for movement in booking.movements) == -5 * ONE


def note(batch: Batch, quantity: int, *, delivery: int, order_id: str = "D-1") -> EventState:
    lines = (SnapshotLine(1, "A", quantity * ONE, shipped_at=START),)
    snapshot = Snapshot("ultracart:DEMO", order_id, ships=True, as_of=START + timedelta(minutes=delivery), lines=lines)
    seen = make.event(id=0, delivery_id=delivery, order_id=order_id, account="ultracart:DEMO")
    return batch.note(snapshot, seen, Cause(START, "worker", NEW + 1000 + delivery))


def broken(*_: object) -> None:
    raise ZeroDivisionError


class Meddling:
    """A store in which somebody else receives some A in the midst of the first unit of work."""

    def __init__(self, store: Any) -> None:
        self.store: Any = store
        self.meddled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def write(self) -> Iterator[Any]:
        with self.store.write() as work:
            book = work.book

            def late(bookings: Any) -> Any:
                if not self.meddled:
                    self.meddled = True
                    book([make.receipt("A", 3 * ONE, location="MAIN")])
                return book(bookings)

            work.book = late
            yield work


def test_a_void_booking_is_made_again_and_counts_once(shop: Shop) -> None:
    shop.stock(A=10)
    shop.deliver(envelope(order_ship("D-1", [line("A", 4, shipped=DAY1)])))
    worker = Worker(replace(shop.desk, store=cast("Store", Meddling(shop.store))), {"shop": shop.channel})
    assert worker.step() == 1
    assert (shop.booked("D-1"), shop.find(Event), shop.find(Order)) == ({}, [], [])
    assert [one.state for one in shop.find(Delivery)] == [DeliveryState.PENDING]
    assert worker.step() == 1
    assert shop.booked("D-1") == {"A": 4 * ONE}
    assert shop.states("D-1") == ["applied"]
    assert shop.on_hand("A") == 9 * ONE


class TestNoItems:
    def test_an_order_without_lines_is_parked_until_its_lines_come(self, shop: Shop) -> None:
        shop.stock(A=10)
        (seen,) = shop.send(envelope(order_ship("D-1", None)))
        assert (seen.state, seen.reason) == (EventState.PARKED, "no-items")
        assert shop.problems() == {"no-items"}
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
        assert shop.states("D-1") == ["applied", "applied"]
        assert shop.problems() == set()
        assert shop.find(Wait) == []

    def test_a_later_part_without_lines_is_not_lost_behind_an_earlier_one(self, shop: Shop) -> None:
        shop.stock(A=10, B=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1), line("B", 1)])))
        (seen,) = shop.send(envelope(order_ship("D-1", [], created=DAY2)))
        assert (seen.state, seen.reason) == (EventState.SHORT, "no-items")
        assert shop.problems() == {"no-items"}
        lines = [line("A", 2, shipped=DAY1), line("B", 1, shipped=DAY2)]
        shop.send(envelope(order_ship("D-1", lines, created=DAY2)))
        assert shop.states("D-1") == ["applied", "applied", "applied"]

    def test_an_earlier_part_that_comes_late_does_not_stand_for_the_one_without_lines(self, shop: Shop) -> None:
        shop.stock(A=10, B=10)
        shop.send(envelope(order_ship("D-1", None, created=DAY2)))
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1), line("B", 1)])))
        assert shop.booked("D-1") == {"A": 2 * ONE}
        assert shop.states("D-1") == ["short", "short"]

    def test_one_without_lines_that_is_older_than_what_is_known_waits_for_nothing(self, shop: Shop) -> None:
        shop.stock(A=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)], created=DAY3)))
        (seen,) = shop.send(envelope(order_ship("D-1", None, created=DAY2)))
        assert seen.state is EventState.SUPERSEDED
        assert shop.find(Wait) == []

    def test_the_same_again_is_not_counted_again(self, shop: Shop) -> None:
        body = envelope(order_ship("D-1", None))
        shop.send(body)
        shop.send(body)
        assert counts(shop) == {"no-items": 1}
        shop.send(envelope(order_ship("D-2", None)))
        assert counts(shop) == {"no-items": 2}

    def test_a_payload_that_says_no_shipment_may_come_without_lines(self, shop: Shop) -> None:
        (seen,) = shop.send(envelope(event("order_update", "D-1", None)))
        assert (seen.state, seen.reason) == (EventState.IGNORED, "not-a-shipment")
        assert shop.problems() == set()


@pytest.fixture
def lie() -> Iterator[Callable[[bool], None]]:
    yield lambda lies: setattr(Lying, "lies", lies)
    Lying.lies = False


class TestRefusedPlans:
    def test_nothing_of_the_order_is_booked_and_it_is_tried_again(
        self, shop: Shop, lie: Callable[[bool], None]
    ) -> None:
        shop.stock(A=10, B=10)
        lie(True)
        (seen,) = shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1), line("B", 1, shipped=DAY1)])))
        assert (seen.state, seen.reason) == (EventState.PARKED, "bad-plan")
        assert "lying" in (seen.text or "")
        assert shop.problems() == {"bad-plan"}
        assert shop.on_hand("A") == 10 * ONE
        lie(False)
        shop.clock.advance(timedelta(minutes=1))
        shop.work()
        assert shop.booked("D-1") == {"A": 2 * ONE, "B": ONE}
        assert shop.states("D-1") == ["applied"]
        assert shop.problems() == set()

    def test_the_shortage_that_a_repeat_then_finds_is_told(self, shop: Shop, lie: Callable[[bool], None]) -> None:
        shop.stock(A=1)
        body = envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)]))
        lie(True)
        shop.send(body)
        lie(False)
        shop.send(body)
        assert shop.owed("A") == 2 * ONE
        assert shop.problems() == {"insufficient-inventory"}

    def test_an_order_booked_in_part_stays_short_and_keeps_its_other_problems(
        self, shop: Shop, lie: Callable[[bool], None]
    ) -> None:
        shop.stock(A=10)
        shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)])))
        shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1)], created=DAY2)))
        assert shop.problems() == {"regression"}
        lie(True)
        lines = [line("A", 1, shipped=DAY1), line("A", 1, shipped=DAY1)]
        (seen,) = shop.send(envelope(order_ship("D-1", lines, created=DAY3)))
        assert (seen.state, seen.reason) == (EventState.SHORT, "bad-plan")
        assert shop.problems() == {"regression", "bad-plan"}

    def test_another_order_of_the_batch_is_booked_all_the_same(self, shop: Shop, lie: Callable[[bool], None]) -> None:
        shop.stock(A=10, B=10)
        lie(True)
        ignored = order_ship("D-2", [line("A", 1, shipped=DAY1)], test=True)
        states = [one.state for one in shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1)]), ignored))]
        assert states == [EventState.PARKED, EventState.IGNORED]


def test_goods_given_back_to_an_emptied_unit_can_be_taken_again(shop: Shop) -> None:
    shop.stock(SOAP=24)
    alias(shop.desk, "PACK", "SOAP", factor=12 * ONE)
    shop.send(envelope(order_ship("D-1", [line("PACK", 2, shipped=DAY1)])))
    assert shop.on_hand("SOAP") == 0
    alias(shop.desk, "PACK", "SOAP", factor=10 * ONE, rebook=True)
    assert shop.booked("D-1") == {"SOAP": 20 * ONE}
    assert shop.owed("SOAP") == 0


def test_a_kit_that_is_not_as_defined_is_counted_once_for_what_settles_later(shop: Shop) -> None:
    shop.stock(B=1)
    shop.kit("SET", B=3)
    shop.send(envelope(order_ship("D-1", kit("SET", 1, [("B", 2)], index=1, shipped=DAY1))))
    shop.stock(B=5)
    assert counts(shop) == {"kit-mismatch": 1}


def test_a_refusal_that_a_person_acknowledged_stays_quiet_for_the_same_event_again(shop: Shop) -> None:
    shop.stock(A=10)
    body = envelope(order_ship("D-1", [line("A", 2, refunded=1, shipped=DAY1)], refunded_at=DAY2))
    shop.send(body)
    (problem,) = shop.find(Problem, state=ProblemState.OPEN)
    assert problem.kind == "refund-unclear"
    acknowledge(shop.desk, problem.id)
    shop.send(body)
    assert shop.problems() == set()
    shop.send(envelope(order_ship("D-1", [line("A", 3, refunded=2, shipped=DAY1)], refunded_at=DAY3)))
    assert shop.problems() == set()


def test_an_acknowledged_regression_speaks_up_when_it_grows(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    less = envelope(order_ship("D-1", [line("A", 4, shipped=DAY1)], created=DAY2))
    shop.send(less)
    acknowledge(shop.desk, shop.find(Problem)[0].id)
    shop.send(less)
    assert shop.problems() == set()
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)], created=DAY3)))
    assert shop.problems() == {"regression"}


def test_a_refund_of_a_line_that_moves_no_stock_is_nobodys_question(shop: Shop) -> None:
    shop.stock(A=10)
    ignore(shop.desk, "FEE")
    shop.send(envelope(order_ship("D-1", [line("FEE", 2, refunded=1, shipped=DAY1)], refunded_at=DAY2)))
    assert shop.problems() == set()


def test_under_policy_order_an_order_waits_reserves_nothing_and_books_when_all_is_there() -> None:
    shop = open_shop(on_shortage=ShortagePolicy.ORDER)
    shop.stock(A=2, B=10)
    (seen,) = shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1), line("B", 1, shipped=DAY1)])))
    assert (seen.state, seen.reason) == (EventState.PARKED, "insufficient-inventory")
    assert shop.find(Shortage) == []
    shop.send(envelope(order_ship("D-2", [line("A", 2, shipped=DAY1)])))
    assert shop.booked("D-2") == {"A": 2 * ONE}
    shop.receive(("A", 4))
    assert shop.states("D-1") == ["parked"]
    assert counts(shop) == {"insufficient-inventory": 1}
    shop.receive(("A", 1))
    assert shop.booked("D-1") == {"A": 5 * ONE, "B": ONE}
    assert shop.states("D-1") == ["applied"]
    assert shop.problems() == set()


def test_a_receipt_settles_the_order_that_shipped_first(shop: Shop) -> None:
    shop.items("A")
    shop.send(envelope(order_ship("D-2", [line("A", 2, shipped=DAY1)])))
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
    shop.receive(("A", 3))
    assert shop.booked("D-2") == {"A": 2 * ONE}
    assert shop.booked("D-1") == {"A": ONE}


def test_an_order_whose_channel_is_gone_is_still_worked(shop: Shop) -> None:
    shop.stock(A=10)
    policies = Policies({"other": ChannelRules("other")}, Method("fifo", "1", {}, Fifo(Fifo.Options()).plan))
    shop.send(envelope(order_ship("D-1", [line("NEW", 2, shipped=DAY1)])))
    alias(shop.desk, "NEW", "A")
    with shop.store.write() as work:
        batch = Batch(policies, work, [KEY])
        batch.again(KEY, Cause(shop.clock.now(), "worker"))
        work.book(batch.bookings())
    assert shop.booked("D-1") == {"A": 2 * ONE}


def test_a_test_order_flagged_after_it_was_booked_is_shown_and_not_given_back(shop: Shop) -> None:
    shop.stock(A=1)
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)])))
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)], created=DAY2, test=True)))
    assert shop.booked("D-1") == {"A": ONE}
    assert shop.owed("A") == 0
    assert shop.problems() == {"regression"}
    shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1)], created=DAY3)))
    assert shop.problems() == set()


def test_an_inferred_shipment_is_taken_back_with_what_was_owed_for_it(shop: Shop) -> None:
    shop.stock(A=2, B=1)
    shop.send(envelope(order_ship("D-1", [line("A", 5), line("B", 1)], shipping_date=DAY1)))
    assert shop.owed("A") == 3 * ONE
    dated = order_ship("D-1", [line("A", 5), line("B", 1, shipped=DAY2)], shipping_date=DAY1, created=DAY2)
    shop.send(envelope(dated))
    assert (shop.booked("D-1"), shop.owed("A"), shop.on_hand("A")) == ({"B": ONE}, 0, 2 * ONE)
    assert shop.problems() == set()


def test_pinned_lots_are_taken_and_no_others(shop: Shop) -> None:
    shop.items("A")
    shop.receive(("A", 5), lot="L1")
    shop.receive(("A", 1), lot="l2")
    shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1), line("A", 2, shipped=DAY1, lots=["L2 "])])))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.owed("A") == ONE
    assert shop.on_hand("A") == 4 * ONE


def test_a_refund_of_the_kit_line_alone_counts_for_its_components_in_proportion(shop: Shop) -> None:
    shop.stock(B=10, C=10)
    lines = kit("SET", 2, [("B", 4), ("C", 2)], index=1, shipped=DAY2)
    lines[0]["quantity_refunded"] = 1
    shop.send(envelope(order_ship("D-1", lines, refunded_at=DAY1)))
    assert shop.booked("D-1") == {"B": 2 * ONE, "C": ONE}


class TestLineConflict:
    def test_the_line_alone_waits_and_its_booking_stands(self, shop: Shop) -> None:
        shop.stock(A=10, X=10, B=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
        lines = [line("X", 3, shipped=DAY1), line("B", 1, shipped=DAY1)]
        (seen,) = shop.send(envelope(order_ship("D-1", lines, created=DAY2)))
        assert shop.booked("D-1") == {"A": 2 * ONE, "B": ONE}
        assert (seen.state, seen.reason) == (EventState.SHORT, "line-conflict")
        assert shop.problems() == {"line-conflict"}

    def test_it_ends_when_the_store_says_the_old_code_again(self, shop: Shop) -> None:
        shop.stock(A=10, X=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
        shop.send(envelope(order_ship("D-1", [line("X", 3, shipped=DAY1)], created=DAY2)))
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)], created=DAY3)))
        assert shop.problems() == set()
        assert shop.states("D-1") == ["applied"] * 3

    def test_two_codes_that_mean_the_same_are_no_conflict(self, shop: Shop) -> None:
        shop.stock(A=10)
        alias(shop.desk, "A-OLD", "A")
        shop.send(envelope(order_ship("D-1", [line("A-OLD", 2, shipped=DAY1)])))
        shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)], created=DAY2)))
        assert shop.booked("D-1") == {"A": 3 * ONE}
        assert shop.problems() == set()


def test_a_code_that_is_waited_for_and_no_longer_asked_for_in_one_batch_is_no_problem(shop: Shop) -> None:
    shop.stock(A=10)
    undated = order_ship("D-1", [line("A", 1), line("NEW", 1)], shipping_date=DAY1)
    dated = order_ship("D-1", [line("A", 1, shipped=DAY2), line("NEW", 1)], shipping_date=DAY1, created=DAY2)
    shop.send(envelope(undated, dated))
    assert shop.find(Problem) == []


def test_a_shortage_that_comes_and_goes_in_one_batch_is_no_problem(shop: Shop) -> None:
    shop.stock(A=1)
    less = event("order_update", "D-1", [line("A", 1)], created=DAY2)
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)]), less))
    assert shop.find(Problem) == []
