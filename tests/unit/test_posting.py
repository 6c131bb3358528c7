from typing import Any

import pytest
from asked import finds

from stockhook.batch import Batch
from stockhook.errors import NotFound, Refused
from stockhook.model import Item, Location, Movement, MovementKind, Order, Shortage, Unit
from stockhook.operations import posting
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.stock.reversals import undo
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"


@pytest.fixture
def shop() -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()))


def owe(shop: Shop, *quantities: int) -> None:
    """Have orders D-1, D-2, ... ship so much of A each, of which there is nothing."""
    shop.items("A")
    for number, quantity in enumerate(quantities, start=1):
        shop.send(envelope(order_ship(f"D-{number}", [line("A", quantity, shipped=DAY1)])))


def test_more_orders_than_one_commit_settles_become_due_and_come_before_newer_ones(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "MOST_SETTLED", 2)
    owe(shop, 1, 1, 1, 1)
    made = shop.receive(("A", 3))
    assert [key.order_id for key in made.orders] == ["D-1", "D-2"]
    assert shop.on_hand("A") == ONE
    shop.send(envelope(order_ship("D-9", [line("A", 1, shipped=DAY1)])))
    assert [shop.booked(f"D-{n}") for n in (3, 4, 9)] == [{"A": ONE}, {}, {}]


def test_what_goods_do_not_reach_is_neither_evaluated_nor_made_due(shop: Shop) -> None:
    owe(shop, 1, 3, 1, 1)
    made = shop.receive(("A", 2))
    assert [key.order_id for key in made.orders] == ["D-1", "D-2"]
    assert [row.due_at for row in shop.find(Order)] == [None] * 4
    made = shop.receive(("A", 3))
    assert [key.order_id for key in made.orders] == ["D-2", "D-3"]
    assert [shop.booked(f"D-{n}") for n in (1, 2, 3, 4)] == [{"A": ONE}, {"A": 3 * ONE}, {"A": ONE}, {}]


def test_no_more_orders_are_read_than_one_commit_settles_and_their_events_all_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "MOST_SETTLED", 3)
    owe(shop, *[1] * 10)
    read: list[int] = []
    orders = Batch.__init__

    def made(self: Batch, policies: Any, view: Any, keys: Any, *args: Any, **more: Any) -> None:
        read.append(len(keys))
        orders(self, policies, view, keys, *args, **more)

    monkeypatch.setattr(Batch, "__init__", made)
    with finds() as asked:
        shop.receive(("A", 1))
    assert read == [3]
    assert asked["Event"] == 1


def test_a_receipt_tells_of_its_units_in_order(shop: Shop) -> None:
    shop.items("A", "B")
    made = receive(shop.desk, [Receipt("b", ONE, "MAIN"), Receipt("A", 2 * ONE, "MAIN"), Receipt("B", 3 * ONE, "MAIN")])
    assert [(unit.sku, unit.quantity // ONE) for unit in made.units] == [("B", 1), ("A", 2), ("B", 3)]


def test_receipts_are_booked_all_or_none_and_every_fault_is_named(shop: Shop) -> None:
    shop.items("A")
    with shop.store.write() as work:
        work.save([Item("S", serial=True)])
    receipts = [
        Receipt("A", ONE, "MAIN"),
        Receipt("X", ONE, "MAIN"),
        Receipt("A", ONE, "ATTIC"),
        Receipt("A", 0, "MAIN"),
        Receipt("A", ONE, "MAIN", serial="1"),
        Receipt("S", 2 * ONE, "MAIN", serial="1"),
    ]
    with pytest.raises(Refused) as raised:
        receive(shop.desk, receipts)
    assert len(str(raised.value).splitlines()) == 5
    assert shop.find(Unit) == []


def test_a_serial_number_is_in_stock_once(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([Location("MAIN"), Item("S", serial=True)])
    piece = Receipt("S", ONE, "MAIN", serial="1")
    with pytest.raises(Refused, match="named twice"):
        receive(shop.desk, [piece, piece])
    receive(shop.desk, [piece])
    with pytest.raises(Refused, match="is in stock already"):
        receive(shop.desk, [piece])


class TestAdjusting:
    def test_it_says_what_is_owed_and_settles_only_when_asked(self, shop: Shop) -> None:
        shop.stock(A=1)
        shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)])))
        unit = shop.find(Unit)[0]
        assert unit.quantity == 0
        told = adjust(shop.desk, unit.id, ONE, "found")
        assert (told.unit.quantity, told.owed) == (ONE, 2 * ONE)
        told = adjust(shop.desk, unit.id, ONE, "found", settle=True)
        assert (told.unit.quantity, told.owed) == (0, 0)
        assert (told.movement.kind, told.movement.quantity) == (MovementKind.ADJUSTMENT, ONE)
        assert shop.booked("D-1") == {"A": 3 * ONE}

    def test_goods_found_on_an_emptied_unit_settle_too(self, shop: Shop) -> None:
        shop.stock(A=1)
        shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)])))
        adjust(shop.desk, shop.find(Unit)[0].id, 2 * ONE, "found", settle=True)
        assert (shop.booked("D-1"), shop.owed("A")) == ({"A": 3 * ONE}, 0)

    def test_nothing_goes_below_zero(self, shop: Shop) -> None:
        shop.stock(A=2)
        with pytest.raises(Refused, match="below zero; nothing was changed"):
            adjust(shop.desk, 1, -3 * ONE, "broken")
        with pytest.raises(Refused, match="changes nothing"):
            adjust(shop.desk, 1, 0, "broken")
        with pytest.raises(Refused, match="needs a reason"):
            adjust(shop.desk, 1, -ONE, " ")
        with pytest.raises(NotFound):
            adjust(shop.desk, 9, -ONE, "broken")
        assert shop.on_hand("A") == 2 * ONE


class TestUndoing:
    def test_it_books_the_opposite_and_names_what_it_reverses(self, shop: Shop) -> None:
        shop.stock(A=2)
        undo(shop.desk, 1, "wrong item")
        reversal, receipt = shop.find(Movement)
        assert (reversal.kind, reversal.quantity, reversal.reverses) == (MovementKind.REVERSAL, -2 * ONE, receipt.id)
        with pytest.raises(Refused, match="was undone before"):
            undo(shop.desk, 1, "again")

    def test_what_was_used_cannot_be_undone(self, shop: Shop) -> None:
        shop.stock(A=2)
        shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1)])))
        with pytest.raises(Refused, match="the rest has been used"):
            undo(shop.desk, 1, "wrong item")
        with pytest.raises(Refused, match="follows the order"):
            undo(shop.desk, 2, "wrong item")


def test_a_settled_order_is_due_no_more_and_every_promise_holds(shop: Shop) -> None:
    owe(shop, 2)
    shop.receive(("A", 5))
    assert [row.settled for row in shop.find(Shortage)] == [2 * ONE]
    assert [order.due_at for order in shop.find(Order)] == [None]
    assert [check for check in verify(shop.desk) if not check.ok] == []
