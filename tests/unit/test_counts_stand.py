"""A count stands: what is corrected, reversed or undone of shipments from before it leaves the counted quantity."""

from datetime import timedelta

import pytest

from stockhook.errors import Refused
from stockhook.model import Event, Movement, MovementKind, Order, Shortage, Take, Unit
from stockhook.operations.codes import alias
from stockhook.operations.corrections import amounts, returns, sources
from stockhook.operations.events import replay
from stockhook.operations.rebooking import rebook
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.testing.payloads import envelope, kit, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
HOUR = timedelta(hours=1)


def new_shop(policy: ShortagePolicy = ShortagePolicy.PARTIAL) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()), rules=ChannelRules("shop", on_shortage=policy))


@pytest.fixture
def shop() -> Shop:
    return new_shop()


def ship(shop: Shop, quantity: int, code: str = "A", order_id: str = "D-1") -> None:
    shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=DAY1)])))


def counted(shop: Shop, quantity: int, sku: str = "A") -> None:
    shop.clock.advance(HOUR)
    count(shop.desk, [Tally(quantity * ONE, sku=sku, location="MAIN")])
    shop.clock.advance(HOUR)


def sound(shop: Shop) -> bool:
    return [check for check in verify(shop.desk) if not check.ok] == []


class TestCorrections:
    def test_a_change_of_unit_makes_no_goods(self, shop: Shop) -> None:
        shop.stock(A=10)
        shop.stock(A=10)
        ship(shop, 4)
        counted(shop, 16)
        sources.take_from_unit(shop.desk, "D-1", 1, 2, "seen")
        assert (shop.on_hand("A"), [unit.quantity for unit in shop.find(Unit)]) == (16 * ONE, [10 * ONE, 6 * ONE])
        assert shop.booked("D-1") == {"A": 4 * ONE}
        back, stands = shop.find(Movement, kind=MovementKind.COUNT, order_id="D-1")
        reversal = shop.find(Movement, kind=MovementKind.REVERSAL)[0]
        assert (stands.quantity, stands.reverses, back.quantity) == (-4 * ONE, reversal.id, 4 * ONE)
        assert sound(shop)

    def test_a_quantity_ruled_to_and_fro_adds_nothing(self, shop: Shop) -> None:
        shop.stock(A=10)
        ship(shop, 4)
        counted(shop, 7)
        for ruled in (3, 4, 0, 5):
            amounts.set_quantity(shop.desk, "D-1", 1, ruled * ONE, "as packed")
            assert (shop.on_hand("A"), sum(shop.booked("D-1").values())) == (7 * ONE, ruled * ONE)
        assert sound(shop)

    def test_what_never_left_was_counted_with_the_rest(self, shop: Shop) -> None:
        shop.stock(A=10, B=9)
        lines = [line("B", 2), line("A", 3)]
        shop.send(envelope(order_ship("D-1", lines, shipping_date=DAY1)))
        counted(shop, 10)
        dated = [line("B", 2, shipped=DAY1), line("A", 3)]
        shop.send(envelope(order_ship("D-1", dated, shipping_date=DAY1)))
        assert (shop.on_hand("A"), shop.booked("D-1")) == (10 * ONE, {"B": 2 * ONE})
        assert sound(shop)

    def test_another_factor_books_anew_and_leaves_the_shelf_alone(self, shop: Shop) -> None:
        shop.stock(A=50)
        alias(shop.desk, "PACK", "A", factor=12 * ONE)
        ship(shop, 2, "PACK")
        counted(shop, 26)
        alias(shop.desk, "PACK", "A", factor=10 * ONE)
        rebook(shop.desk, [order.key for order in shop.find(Order)], "PACK", "a pack of ten")
        assert (shop.on_hand("A"), shop.booked("D-1")) == (26 * ONE, {"A": 20 * ONE})
        assert sound(shop)

    def test_what_shipped_since_the_count_goes_back_to_the_shelf(self, shop: Shop) -> None:
        shop.stock(A=10)
        counted(shop, 10)
        shipped = shop.clock.now().isoformat()
        shop.send(envelope(order_ship("D-1", [line("A", 4, shipped=shipped)])))
        amounts.set_quantity(shop.desk, "D-1", 1, 3 * ONE, "as packed")
        assert shop.on_hand("A") == 7 * ONE

    def test_a_return_since_the_count_is_goods(self, shop: Shop) -> None:
        shop.stock(A=10)
        ship(shop, 4)
        counted(shop, 6)
        returns.take_back(shop.desk, "D-1", 1, 2 * ONE, "came back")
        assert shop.on_hand("A") == 8 * ONE

    def test_what_the_count_keeps_covers_no_other_order(self, shop: Shop) -> None:
        shop.stock(A=4)
        ship(shop, 4)
        counted(shop, 0)
        shipped = shop.clock.now().isoformat()
        shop.send(envelope(order_ship("D-2", [line("A", 2, shipped=shipped)])))
        amounts.set_quantity(shop.desk, "D-1", 1, ONE, "as packed")
        assert (shop.on_hand("A"), shop.owed("A")) == (0, 2 * ONE)
        assert sound(shop)


def take(shop: Shop) -> Take:
    with shop.store.read() as view:
        (state,) = view.orders([order.key for order in shop.find(Order)]).values()
    return state.takes[0]


def undo_newest_count(shop: Shop) -> None:
    shop.clock.advance(HOUR)
    newest = shop.find(Movement, kind=MovementKind.COUNT, order_id=None)[0]
    undo(shop.desk, newest.id, "miscounted")


class TestUndoing:
    def test_what_was_made_up_for_by_the_count_leaves_with_it(self, shop: Shop) -> None:
        shop.stock(A=7)
        counted(shop, 5)
        ship(shop, 2)
        assert (shop.on_hand("A"), take(shop).counted) == (5 * ONE, 2 * ONE)
        undo_newest_count(shop)
        assert (shop.on_hand("A"), shop.booked("D-1"), take(shop).counted) == (5 * ONE, {"A": 2 * ONE}, 0)
        opposite = shop.find(Movement)[0]
        assert (opposite.kind, opposite.quantity, opposite.reason) == (MovementKind.COUNT, -2 * ONE, "miscounted")
        assert sound(shop)
        amounts.set_quantity(shop.desk, "D-1", 1, ONE, "as packed")
        assert shop.on_hand("A") == 6 * ONE

    def test_what_rests_on_an_older_count_that_stands_is_left_as_it_is(self, shop: Shop) -> None:
        shop.stock(A=7)
        counted(shop, 5)
        ship(shop, 2)
        counted(shop, 4)
        ship(shop, 1, order_id="D-2")
        undo_newest_count(shop)
        assert shop.on_hand("A") == 5 * ONE
        undo_newest_count_of_quantity(shop, -2)
        assert shop.on_hand("A") == 4 * ONE
        assert sound(shop)

    def test_what_was_given_back_without_goods_comes_back_with_it(self, shop: Shop) -> None:
        shop.stock(A=10)
        ship(shop, 4)
        counted(shop, 6)
        amounts.set_quantity(shop.desk, "D-1", 1, ONE, "as packed")
        assert shop.on_hand("A") == 6 * ONE
        undo_newest_count(shop)
        assert (shop.on_hand("A"), shop.booked("D-1")) == (9 * ONE, {"A": ONE})
        assert sound(shop)

    def test_it_is_refused_where_too_little_is_left_for_what_rested_on_it(self, shop: Shop) -> None:
        shop.stock(A=2)
        counted(shop, 5)
        ship(shop, 2)
        shipped = shop.clock.now().isoformat()
        shop.send(envelope(order_ship("D-2", [line("A", 1, shipped=shipped)])))
        before = shop.find(Movement)
        with pytest.raises(Refused, match="order D-1 had taken before the count would leave unit 1 too"):
            undo_newest_count(shop)
        assert (shop.find(Movement), shop.on_hand("A")) == (before, 4 * ONE)

    def test_it_is_refused_while_a_later_count_of_the_same_goods_stands(self, shop: Shop) -> None:
        shop.stock(A=7)
        counted(shop, 5)
        count(shop.desk, [Tally(6 * ONE, unit_id=1)])
        with pytest.raises(Refused, match="unit 1 was counted since"):
            undo_newest_count_of_quantity(shop, -2)
        undo_newest_count(shop)
        undo_newest_count_of_quantity(shop, -2)
        assert shop.on_hand("A") == 7 * ONE


def undo_newest_count_of_quantity(shop: Shop, quantity: int) -> None:
    found = shop.find(Movement, kind=MovementKind.COUNT, order_id=None)
    undo(shop.desk, next(each.id for each in found if each.quantity == quantity * ONE), "miscounted")


def replay_all(shop: Shop) -> None:
    replay(shop.desk, [event.id for event in shop.find(Event)])
    shop.work()


def hours_ago(shop: Shop, hours: int) -> str:
    return (shop.clock.now() - hours * HOUR).isoformat()


class TestEnding:
    def test_a_count_gives_no_goods_to_another_line_of_an_order_that_it_ends(self, shop: Shop) -> None:
        shop.items("A")
        shop.clock.advance(5 * HOUR)
        lines = [line("A", 3, shipped=hours_ago(shop, 4)), line("A", 2, shipped=hours_ago(shop, 1))]
        shop.send(envelope(order_ship("D-1", lines, created=hours_ago(shop, 5))))
        done = count(shop.desk, [Tally(4 * ONE, sku="A", location="MAIN")], shop.clock.now() - 2 * HOUR)
        assert (done.ended, shop.on_hand("A"), shop.owed("A")) == (3 * ONE, 4 * ONE, 2 * ONE)
        assert sound(shop)
        shop.receive(("A", 1))
        assert (shop.on_hand("A"), shop.owed("A")) == (3 * ONE, 0)

    def test_nothing_lacks_beside_a_unit_that_was_counted_since(self, shop: Shop) -> None:
        shop.stock(A=4)
        shop.clock.advance(HOUR)
        count(shop.desk, [Tally(4 * ONE, unit_id=1)])
        ship(shop, 8)
        before = (shop.find(Movement), shop.find(Shortage), shop.problems())
        assert (shop.on_hand("A"), shop.owed("A"), shop.problems()) == (4 * ONE, 0, set())
        replay_all(shop)
        assert (shop.find(Movement), shop.find(Shortage), shop.problems()) == before
        assert sound(shop)

    def test_a_kit_that_lacks_one_part_is_not_owed_the_other_that_was_counted(self) -> None:
        shop = new_shop(ShortagePolicy.LINE)
        shop.items("A", "B")
        shop.stock(SET=1)
        counted(shop, 6)
        shop.send(envelope(order_ship("D-1", kit("SET", 1, [("B", 1), ("A", 9)], index=1, shipped=DAY1))))
        assert (shop.owed("A"), shop.owed("B")) == (0, ONE)
        before = (shop.find(Shortage), shop.find(Event)[0].text, shop.problems())
        replay_all(shop)
        assert (shop.find(Shortage), shop.find(Event)[0].text, shop.problems()) == before
        assert sound(shop)
