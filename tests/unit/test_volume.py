"""What the charts count is what is in the store, however often and whenever it is asked, and costs little again."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from stockhook.model import Delivery, Movement, MovementKind
from stockhook.operations.edges import Edges, first_id
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.reversals import undo
from stockhook.operations.volume import DAYS, HOURS, Volume
from stockhook.quantity import ONE
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def shop() -> Iterator[Shop]:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(store, channel, Fifo(Fifo.Options()))
    shop.stock(SOAP=1000)
    yield shop
    store.close()


class Counting:
    """A view that counts what it is asked for."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self.asked: Counter[str] = Counter()

    def find(self, *args: Any, **more: Any) -> Any:
        self.asked["find"] += 1
        return self._view.find(*args, **more)

    def totals(self, *args: Any, **more: Any) -> Any:
        self.asked["totals"] += 1
        return self._view.totals(*args, **more)


def ship(shop: Shop, number: int, after: timedelta) -> None:
    shop.clock.advance(after - timedelta(minutes=1))
    shop.send(envelope(order_ship(f"D-{number}", [line("SOAP", 1 + number % 3, shipped=DAY)])))


def by_hour(shop: Shop, now: datetime) -> list[int]:
    newest = now.replace(minute=0, second=0, microsecond=0)
    starts = [newest - timedelta(hours=back) for back in reversed(range(HOURS))]
    came = [row.received_at for row in shop.find(Delivery)]
    return [sum(start <= at < start + timedelta(hours=1) for at in came) for start in starts]


def by_day(shop: Shop, now: datetime) -> list[int]:
    days = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    went = [(row.at.date(), -row.quantity) for row in shop.find(Movement, kind=MovementKind.CONSUMPTION)]
    return [sum(quantity for day, quantity in went if day == each) for each in days]


def test_the_sums_are_those_of_the_store_whenever_they_are_asked_for(shop: Shop) -> None:
    volume = Volume()
    gaps = [1, 2, 3, 30, 50, 4, 4, 4, 90, 61, 600, 1, 1, 58, 59, 1440, 2, 2000, 5, 5, 5, 5, 55, 3000, 17, 17, 1]
    for number, minutes in enumerate(gaps):
        ship(shop, number, timedelta(minutes=minutes))
        now = shop.clock.now() + timedelta(seconds=number * 7 % 60)
        with shop.store.read() as view:
            assert [point.value for point in volume.deliveries(view, now)] == by_hour(shop, now)
            assert [point.value for point in volume.units_out(view, now)] == by_day(shop, now)


def test_what_is_over_is_not_counted_again(shop: Shop) -> None:
    volume = Volume()
    for number in range(40):
        ship(shop, number, timedelta(minutes=97))
    with shop.store.read() as view:
        first, again = Counting(view), Counting(view)
        now = shop.clock.now()
        volume.deliveries(first, now)  # type: ignore[arg-type]
        volume.units_out(first, now)  # type: ignore[arg-type]
        volume.deliveries(again, now)  # type: ignore[arg-type]
        volume.units_out(again, now)  # type: ignore[arg-type]
    assert again.asked["totals"] <= 4
    assert again.asked["find"] <= 40 < first.asked["find"]


def test_what_a_person_undid_was_not_shipped(shop: Shop) -> None:
    shop.items("CLOCK")
    [unit] = shop.receive(("CLOCK", 100)).units
    [wrong] = shop.find(Movement, unit_id=unit.id)
    ship(shop, 1, timedelta(hours=1))
    undo(shop.desk, wrong.id, "typed one nought too many")
    with shop.store.read() as view:
        assert Volume().units_out(view, shop.clock.now())[-1].value == 2 * ONE


def test_a_stock_level_is_followed_backwards_through_the_days(shop: Shop) -> None:
    volume = Volume()
    shop.clock.advance(timedelta(days=3))
    adjust(shop.desk, 1, -400 * ONE, "lost")
    shop.clock.advance(timedelta(days=2))
    adjust(shop.desk, 1, 100 * ONE, "found")
    shop.clock.advance(timedelta(days=1))
    with shop.store.read() as view:
        points = volume.on_hand(view, "SOAP", 700 * ONE, shop.clock.now())
    assert [point.value // ONE for point in points[-8:]] == [0, 1000, 1000, 1000, 600, 600, 700, 700]
    assert points[-1].start == shop.clock.now()
    assert {point.value for point in points[:-7]} == {0}


def test_an_edge_is_found_between_ids(shop: Shop) -> None:
    for number in range(10):
        ship(shop, number, timedelta(hours=1))
    rows = shop.find(Delivery)[::-1]
    with shop.store.read() as view:
        assert first_id(view, Delivery, rows[0].received_at - timedelta(days=1)) == rows[0].id
        assert first_id(view, Delivery, rows[4].received_at) == rows[4].id
        assert first_id(view, Delivery, rows[4].received_at + timedelta(seconds=1)) == rows[5].id
        assert first_id(view, Delivery, rows[-1].received_at + timedelta(days=1)) == rows[-1].id + 1


def test_an_edge_is_remembered_only_once_it_cannot_move_any_more(shop: Shop) -> None:
    edges, now = Edges(), shop.clock.now()
    ship(shop, 1, timedelta(minutes=2))
    with shop.store.read() as view:
        counting = Counting(view)
        edges.first_id(counting, Delivery, now, now)  # type: ignore[arg-type]
        fresh = counting.asked["find"]
        edges.first_id(counting, Delivery, now, now + timedelta(hours=1))  # type: ignore[arg-type]
        assert counting.asked["find"] > fresh
        known = counting.asked["find"]
        edges.first_id(counting, Delivery, now, now + timedelta(hours=1))  # type: ignore[arg-type]
        assert counting.asked["find"] == known


def test_what_was_summed_up_before_is_not_added_up_again(shop: Shop) -> None:
    for number in range(3):
        ship(shop, number, timedelta(hours=7))
    volume, fresh, now = Volume(), Volume(), shop.clock.now()
    volume.learn(shop.store, now)
    with shop.store.read() as view:
        counted = Counting(view)
        known = [volume.deliveries(counted, now), volume.units_out(counted, now)]
        assert counted.asked["totals"] <= 4, "but for the hour and the day that are not over, each in two parts"
        assert known == [fresh.deliveries(view, now), fresh.units_out(view, now)]


def test_a_store_that_is_away_is_left_to_the_page_that_asks_it(shop: Shop) -> None:
    shop.store.close()
    Volume().learn(shop.store, shop.clock.now())
