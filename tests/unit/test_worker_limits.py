"""What ends a batch before it is full: time, and orders that are in the hands of others."""

import itertools
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from stockhook import worker
from stockhook.model import Delivery, DeliveryState, Event, OrderKey, Shortage
from stockhook.operations import codes, posting
from stockhook.operations.rehearsal import rehearse
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook.worker import ELSEWHERE, Worker
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-01T12:00:00-05:00"
KEYS = [OrderKey("ultracart:DEMO", f"D-{number}") for number in range(4)]


class Slow(Fifo):
    """Takes a while for each plan, once it is told to."""

    seconds = 0.0
    pause = staticmethod(time.sleep)

    def plan(self, *given: Any) -> Any:
        self.pause(self.seconds)
        return super().plan(*given)


@pytest.fixture
def strategy() -> Slow:
    return Slow(Slow.Options())


@pytest.fixture
def shop(strategy: Slow) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(store, channel, strategy)
    shop.items("A")
    for key in KEYS:
        shop.send(envelope(order_ship(key.order_id, [line("A", 1, shipped=SHIPPED)])))
    return shop


def test_slow_plans_of_due_orders_end_a_batch_and_no_event_goes_before_the_rest(
    shop: Shop, strategy: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SETTLING", -1.0)
    shop.receive(("A", 100))
    late = shop.deliver(envelope(order_ship("D-9", [line("A", 1, shipped=SHIPPED)])))
    strategy.seconds = 0.05
    worker = Worker(shop.desk, {"shop": shop.channel}, planning=0.001, quiet=lambda: 0.0)
    assert worker.step() < len(KEYS)
    assert shop.find(Event, delivery_id=late) == []
    with shop.store.read() as view:
        assert view.due(shop.clock.now(), 10).orders
    while worker.step():
        pass
    assert [event.state.value for event in shop.find(Event, delivery_id=late)] == ["applied"]


def test_after_a_slow_batch_the_next_ones_read_little_more_than_was_worked(
    shop: Shop, strategy: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[float] = []
    monkeypatch.setattr(strategy, "pause", spent.append)
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: sum(spent)))
    shop.stock(A=100)
    for number in range(100):
        shop.deliver(envelope(order_ship(f"E-{number}", [line("A", 1, shipped=SHIPPED)])))
    reads: list[int] = []
    read = shop.channel.read
    monkeypatch.setattr(shop.channel, "read", lambda event: reads.append(1) or read(event))
    slow = Worker(shop.desk, {"shop": shop.channel}, planning=10.0 / worker.IN_ANY_CASE)
    strategy.seconds = 1.0
    assert slow.step() == 11
    assert len(reads) == 100
    strategy.seconds = 0.0
    for much in (12, 16, 21):
        reads.clear()
        assert slow.step() == len(reads) == much


def test_a_receipt_settles_for_a_while_and_leaves_the_rest_to_the_worker(
    shop: Shop, strategy: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SETTLING", 0.08)
    strategy.seconds = 0.05
    received = shop.receive(("A", 100))
    strategy.seconds = 0.0
    settled = len(KEYS) - len([row for row in shop.find(Shortage) if row.open])
    assert 0 < settled < len(KEYS)
    assert received is not None
    shop.work()
    assert not [row for row in shop.find(Shortage) if row.open]


def test_where_plans_are_slow_so_few_orders_show_what_a_code_would_do_that_each_look_shows_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.stock(A=100)
    for number in range(8):
        shop.send(envelope(order_ship(f"N-{number}", [line("NOPE", 1, shipped=SHIPPED)])))

    def shown(step: float) -> tuple[int, int, int]:
        moments = itertools.count()
        monkeypatch.setattr(posting, "time", SimpleNamespace(monotonic=lambda: next(moments) * step))
        found = rehearse(shop.desk, lambda desk: codes.try_out(desk, "NOPE", "A"))
        return found.result[0].due, found.result[1], len(found.steps)

    quick, rather_slow, slower, slowest = [shown(codes.TRYING * step) for step in (0.01, 0.15, 0.19, 1.5)]
    assert quick == (8, 8, 8)
    assert rather_slow == slower == (8, 3, 3)
    assert slowest == (8, 0, 0)


def test_a_delivery_whose_events_are_all_in_other_hands_waits_and_costs_no_turn(shop: Shop) -> None:
    many = envelope(*(order_ship(key.order_id, [line("A", 2, shipped=SHIPPED)]) for key in KEYS))
    number = shop.deliver(many)
    with shop.store.write() as other:
        assert not other.hold(KEYS)
        Worker(shop.desk, {"shop": shop.channel}, batch=2).step()
        [delivery] = [one for one in shop.find(Delivery) if one.id == number]
        assert (delivery.state, delivery.due_at) == (DeliveryState.PENDING, shop.clock.now() + ELSEWHERE)
    shop.clock.advance(timedelta(seconds=1))
    shop.work()
    assert len(shop.find(Event, delivery_id=number)) == len(KEYS)
