import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from stockhook.channel import Nothing, RawEvent
from stockhook.errors import BadBooking, BadEvent, StoreBroken, StoreUnavailable
from stockhook.evaluate import evaluate
from stockhook.model import (
    Delivery,
    DeliveryState,
    Event,
    EventState,
    Order,
    Problem,
    ProblemState,
    Snapshot,
    SnapshotLine,
)
from stockhook.operations.events import replay, replay_matching
from stockhook.outcome import ATTEMPTS
from stockhook.quantity import ONE
from stockhook.testing.payloads import envelope, order_ship
from stockhook.testing.payloads import line as order_line
from stockhook.testing.shop import Shop
from stockhook.worker import FEW, LATELY, Worker, retry_after
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"


class Scripted(UltraCart):
    """Takes a body like ``D-1 D-2!``: one shipment of an A per word; what is listed in ``broken`` raises."""

    def __init__(self) -> None:
        super().__init__(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
        self.broken: dict[str, Exception] = {}
        self.read_again: list[str] = []

    def split(self, body: bytes) -> Sequence[RawEvent]:
        if b"{" in body:
            return super().split(body)
        self.fail("split")
        return [RawEvent("order_ship", word) for word in body.decode().split()]

    def read(self, event: RawEvent) -> Snapshot | Nothing:
        if not isinstance(event.payload, str):
            return super().read(event)
        self.read_again.append(event.payload)
        self.fail(event.payload)
        lines = (SnapshotLine(1, "A", ONE, shipped_at=None),)
        return Snapshot("ultracart:DEMO", event.payload, ships=True, as_of=None, lines=lines)

    def fail(self, word: str) -> None:
        if word in self.broken:
            raise self.broken[word]


@pytest.fixture
def shop() -> Shop:
    store = MemoryStore()
    store.open()
    shop = Shop(store, Scripted(), Fifo(Fifo.Options()))
    shop.stock(A=1000)
    return shop


@pytest.fixture
def channel(shop: Shop) -> Scripted:
    return cast("Scripted", shop.channel)


def deliver(shop: Shop, words: str) -> int:
    return shop.deliver(words.encode())


def states(shop: Shop) -> dict[str, str]:
    return {f"{one.delivery_id}.{one.position}": one.state.value for one in shop.find(Event)}


def let_time_pass(shop: Shop) -> None:
    """Work until nothing is pending, however long its next try may be off."""
    for _ in range(2 * ATTEMPTS):
        shop.work()
        shop.clock.advance(timedelta(hours=2))


class TestRetrying:
    def test_the_wait_grows_threefold_from_five_seconds_to_an_hour(self) -> None:
        waits = [retry_after(n, lambda: 0.0).total_seconds() for n in range(1, ATTEMPTS + 1)]
        assert waits == [5, 15, 45, 135, 405, 1215, 3600, 3600]

    def test_chance_adds_at_most_a_tenth(self) -> None:
        assert retry_after(1, lambda: 1.0) == timedelta(seconds=5.5)

    def test_an_unexpected_error_harms_no_other_event_and_is_tried_again_later(
        self, shop: Shop, channel: Scripted
    ) -> None:
        channel.broken["D-2"] = ZeroDivisionError("never mind")
        deliver(shop, "D-1 D-2 D-3")
        shop.work()
        assert states(shop) == {"1.0": "applied", "1.1": "pending", "1.2": "applied"}
        channel.broken.clear()
        shop.work()
        assert states(shop)["1.1"] == "pending", "its time has not come"
        shop.clock.advance(timedelta(seconds=6))
        shop.work()
        assert states(shop)["1.1"] == "applied"
        assert shop.booked("D-2") == {"A": ONE}
        assert shop.problems() == set()

    def test_it_is_given_up_in_the_end_and_comes_back_by_replay(self, shop: Shop, channel: Scripted) -> None:
        channel.broken["D-1"] = ZeroDivisionError("never mind")
        deliver(shop, "D-1")
        let_time_pass(shop)
        (event,) = shop.find(Event)
        assert (event.state, event.reason, event.attempts) == (EventState.FAILED, "dead-letter", ATTEMPTS)
        assert "ZeroDivisionError: never mind" in (event.text or "")
        assert len(channel.read_again) == ATTEMPTS
        assert shop.problems() == {"dead-letter"}
        channel.broken.clear()
        replay(shop.desk, [event.id])
        shop.work()
        assert shop.booked("D-1") == {"A": ONE}
        assert shop.problems() == set()

    def test_a_large_delivery_does_not_use_up_the_attempts_of_the_one_that_fails(
        self, shop: Shop, channel: Scripted
    ) -> None:
        channel.broken["D-0"] = ZeroDivisionError()
        shop.worker = Worker(shop.desk, {"shop": channel}, batch=2, planning=1.0)
        deliver(shop, " ".join(f"D-{n}" for n in range(20)))
        shop.work()
        failing = next(one for one in shop.find(Event) if one.position == 0)
        assert failing.state is EventState.PENDING
        assert failing.attempts <= 2
        assert sorted(set(states(shop).values())) == ["applied", "pending"]

    @pytest.mark.parametrize(("quiet", "worked"), [(0.5, FEW), (LATELY, FEW + 4), (math.inf, FEW + 4)])
    def test_batches_are_small_while_deliveries_come(
        self, shop: Shop, channel: Scripted, quiet: float, worked: int
    ) -> None:
        worker = Worker(shop.desk, {"shop": channel}, batch=50, planning=1.0, quiet=lambda: quiet)
        for number in range(FEW + 4):
            deliver(shop, f"D-{number}")
        assert worker.step() == worked

    def test_one_that_is_replayed_while_the_worker_is_at_its_delivery_is_not_forgotten(
        self, shop: Shop, channel: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel.broken |= {"D-1": BadEvent("bad-lines", "no lines"), "D-2": BadEvent("bad-lines", "no lines")}
        deliver(shop, "D-1 D-2")
        shop.work()
        second, first = (one.id for one in shop.find(Event))
        channel.broken.clear()
        replay(shop.desk, [first])
        read = channel.read

        def read_while_a_person_replays(event: RawEvent) -> Snapshot | Nothing:
            if event.payload == "D-1":
                replay(shop.desk, [second])
            return read(event)

        monkeypatch.setattr(channel, "read", read_while_a_person_replays)
        shop.work()
        assert states(shop) == {"1.0": "applied", "1.1": "applied"}

    def test_each_of_its_tries_shows_in_the_event(self, shop: Shop, channel: Scripted) -> None:
        channel.broken["D-1"] = ZeroDivisionError()
        deliver(shop, "D-1")
        for attempts in range(1, 4):
            shop.work()
            assert [one.attempts for one in shop.find(Event)] == [attempts]
            shop.clock.advance(retry_after(attempts, lambda: 1.0))


class TestRefused:
    @pytest.mark.parametrize("kind", ["bad-lines", "wrong-merchant"])
    def test_what_must_not_be_booked_is_parked_for_a_person(self, shop: Shop, channel: Scripted, kind: str) -> None:
        channel.broken["D-1"] = BadEvent(kind, "line 3 has no quantity", "ultracart:DEMO", "D-1")
        deliver(shop, "D-1 D-2")
        shop.work()
        assert states(shop) == {"1.0": "parked", "1.1": "applied"}
        (problem,) = shop.find(Problem, state=ProblemState.OPEN)
        assert problem.kind == kind
        assert "line 3 has no quantity" in problem.text
        assert (problem.subject, problem.order_id) == (str(problem.event_id), "D-1")
        channel.broken.clear()
        replay_matching(shop.desk, EventState.PARKED)
        shop.work()
        assert shop.booked("D-1") == {"A": ONE}
        assert shop.problems() == set()

    def test_a_body_that_cannot_be_split_is_one_event_that_a_replay_splits_again(
        self, shop: Shop, channel: Scripted
    ) -> None:
        number = shop.deliver(b"{")
        shop.work()
        (event,) = shop.find(Event)
        assert (event.name, event.state, event.reason) == ("unreadable", EventState.FAILED, "quarantined")
        assert shop.problems() == {"quarantined"}
        channel.split = lambda body: Scripted.split(channel, b"D-1 D-2")  # type: ignore[method-assign]
        replay(shop.desk, [event.id])
        shop.work()
        assert [(one.name, one.state.value) for one in reversed(shop.find(Event))] == [("order_ship", "applied")] * 2
        assert shop.find(Event)[-1].id == event.id
        assert shop.find(Delivery, id=number)[0].state is DeliveryState.WORKED
        assert shop.problems() == set()


class TestDueOrders:
    def test_one_that_raises_harms_no_other_and_is_tried_again(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for order_id in ("D-1", "D-2"):
            shop.send(envelope(order_ship(order_id, [order_line("NEW", 1, shipped=DAY1)])))
        shop.stock(NEW=5)
        make_due(shop)
        with monkeypatch.context() as patch:
            fail_for(patch, "D-1")
            shop.work()
        assert (shop.booked("D-1"), shop.booked("D-2")) == ({}, {"NEW": ONE})
        assert [(one.order_id, one.attempts) for one in shop.find(Order)] == [("D-2", 0), ("D-1", 1)]
        shop.clock.advance(timedelta(seconds=6))
        shop.work()
        assert shop.booked("D-1") == {"NEW": ONE}
        assert [one.attempts for one in shop.find(Order)] == [0, 0]

    def test_one_that_raises_keeps_no_goods_out_of_the_book(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.items("B")
        for order_id in ("D-1", "D-2"):
            shop.send(envelope(order_ship(order_id, [order_line("B", 1, shipped=DAY1)])))
        with monkeypatch.context() as patch:
            fail_for(patch, "D-1")
            shop.receive(("B", 5))
        assert shop.on_hand("B") == 4 * ONE
        shop.work()
        assert shop.booked("D-1") == {"B": ONE}

    def test_the_one_that_shipped_first_is_served_first(self, shop: Shop) -> None:
        for order_id in ("D-2", "D-1"):
            shop.send(envelope(order_ship(order_id, [order_line("NEW", 1, shipped=DAY1)])))
        shop.stock(NEW=1)
        make_due(shop)
        shop.work()
        assert (shop.booked("D-1"), shop.booked("D-2")) == ({}, {"NEW": ONE})

    def test_they_go_before_newer_needs_however_many_they_are(self, shop: Shop) -> None:
        for order_id in ("D-1", "D-2", "D-3"):
            shop.send(envelope(order_ship(order_id, [order_line("NEW", 1, shipped=DAY1)])))
        shop.stock(NEW=3)
        make_due(shop)
        shop.deliver(envelope(order_ship("D-4", [order_line("NEW", 1, shipped=DAY2)])))
        shop.worker = Worker(shop.desk, {"shop": shop.channel}, batch=2)
        shop.work()
        assert [shop.booked(f"D-{n}") for n in range(1, 5)] == [{"NEW": ONE}] * 3 + [{}]
        assert shop.states("D-4") == ["parked"]

    def test_none_is_put_off_for_a_delivery_that_cannot_be_booked(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.send(envelope(order_ship("D-1", [order_line("NEW", 1, shipped=DAY1)])))
        shop.stock(NEW=1)
        make_due(shop)
        deliver(shop, "D-2")
        refuse_booking(monkeypatch, shop, "D-2")
        shop.work()
        assert shop.booked("D-1") == {"NEW": ONE}
        assert {one.order_id: one.attempts for one in shop.find(Order)} == {"D-1": 0}

    def test_goods_that_an_order_gives_back_settle_what_is_owed_of_them(self, shop: Shop) -> None:
        shop.stock(B=2)
        undated = [order_line("A", 1), order_line("B", 2)]
        shop.send(envelope(order_ship("D-1", undated, shipping_date=DAY1)))
        shop.send(envelope(order_ship("D-2", [order_line("B", 1, shipped=DAY1)])))
        assert shop.owed("B") == ONE
        dated = [order_line("A", 1, shipped=DAY2), order_line("B", 2)]
        shop.send(envelope(order_ship("D-1", dated, shipping_date=DAY1, created=DAY2)))
        assert shop.booked("D-2") == {"B": ONE}
        assert shop.owed("B") == 0


def make_due(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([replace(one, due_at=shop.clock.now()) for one in work.find(Order)])


def fail_for(patch: pytest.MonkeyPatch, order_id: str) -> None:
    def failing(state: Any, *more: Any, **named: Any) -> Any:
        if state.order.order_id == order_id:
            raise ZeroDivisionError
        return evaluate(state, *more, **named)

    patch.setattr("stockhook.batch.evaluate", failing)


def refuse_booking(patch: pytest.MonkeyPatch, shop: Shop, order_id: str) -> None:
    with shop.store.write() as work:
        real = type(work).book

    def refuse(self: Any, bookings: Any) -> Any:
        if any(booking.order and booking.order.order_id == order_id for booking in bookings):
            raise BadBooking("a booking names unit 99, which does not exist")
        return real(self, bookings)

    patch.setattr("stockhook_plugins.stores.memory._Work.book", refuse)


def test_a_batch_that_cannot_be_booked_is_taken_apart(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for order_id in ("D-1", "D-2", "D-3"):
        deliver(shop, order_id)
    with monkeypatch.context() as patch:
        refuse_booking(patch, shop, "D-2")
        shop.work()
    assert [shop.booked(f"D-{n}") for n in (1, 2, 3)] == [{"A": ONE}, {}, {"A": ONE}]
    (failed,) = [one for one in shop.find(Event) if one.state is EventState.PENDING]
    assert (failed.attempts, failed.delivery_id) == (1, 2)
    shop.clock.advance(timedelta(minutes=1))
    shop.work()
    assert shop.booked("D-2") == {"A": ONE}


@pytest.mark.parametrize("error", [StoreUnavailable("full"), StoreBroken("damaged")])
def test_trouble_with_the_store_is_no_fault_of_an_event(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    deliver(shop, "D-1")

    def refuse(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("stockhook_plugins.stores.memory._Work.book", refuse)
        with pytest.raises(type(error)):
            shop.worker.step()
    assert shop.find(Event) == []
    shop.work()
    assert shop.booked("D-1") == {"A": ONE}
