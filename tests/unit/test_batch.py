from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, cast

import pytest

from stockhook.batch import Batch
from stockhook.draft import Cause
from stockhook.model import (
    NEW,
    Delivery,
    DeliveryState,
    Event,
    EventState,
    Movement,
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
from stockhook.operations.codes import alias
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.store import Store
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.payloads import envelope, event, line, order_ship
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

    def test_another_strategy_in_its_place_ends_the_problem(self, shop: Shop, lie: Callable[[bool], None]) -> None:
        lie(True)
        shop.stock(A=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
        assert shop.problems() == {"bad-plan"}
        later = Shop(shop.store, shop.channel, Fifo(Fifo.Options()), clock=shop.clock)
        later.clock.advance(timedelta(minutes=1))
        later.work()
        assert later.booked("D-1") == {"A": 2 * ONE}
        assert later.problems() == set()

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


def test_bookings_come_in_the_order_in_which_their_orders_were_decided(shop: Shop) -> None:
    shop.items("SOAP")
    for n in range(6):
        shop.send(envelope(order_ship(f"D-{n}", [line("SOAP", 1, shipped="2026-11-02T12:00:00-05:00")])))
    shop.receive(("SOAP", 4))
    taken = [movement.order_id for movement in reversed(shop.find(Movement)) if movement.order_id is not None]
    assert taken == ["D-0", "D-1", "D-2", "D-3"]
