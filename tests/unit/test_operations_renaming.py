"""An item gets another sku: nothing of its history is rewritten, and nothing of its goods is left behind."""

from datetime import timedelta
from typing import Any

import pytest

from stockhook.errors import NotFound, Refused
from stockhook.model import Alias, Audit, Item, Kit, Location, Movement, Unit
from stockhook.operations.codes import alias, ignore
from stockhook.operations.corrections.amounts import set_quantity
from stockhook.operations.corrections.returns import take_back
from stockhook.operations.item_settings import retire
from stockhook.operations.renaming import rename
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.testing.payloads import envelope, line, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"


@pytest.fixture
def shop() -> Shop:
    return opened()


def opened(**rules: Any) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(store, channel, Fifo(Fifo.Options()), rules=ChannelRules("shop", **rules))
    shop.items("OLD", "BOX")
    shop.kit("GIFT", OLD=2, BOX=1)
    shop.receive(("OLD", 7), lot="L1", unit_cost=ONE)
    return shop


def ship(shop: Shop, order_id: str, code: str, quantity: int) -> None:
    shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=DAY1)])))


def test_goods_codes_and_kits_go_over_and_history_stays(shop: Shop) -> None:
    alias(shop.desk, "OLD-PACK", "OLD", 3 * ONE)
    ship(shop, "D-1", "OLD", 2)
    history = shop.find(Movement)
    done = rename(shop.desk, "old", "NEW")
    assert (done.quantity, done.units, done.kits) == (5 * ONE, 1, ("GIFT",))
    assert shop.find(Movement)[2:] == history
    new, old = shop.find(Unit)
    assert (old.sku, old.quantity, new.sku, new.quantity, new.lot, new.unit_cost) == (
        "OLD",
        0,
        "NEW",
        5 * ONE,
        "L1",
        ONE,
    )
    assert new.received_at == old.received_at
    assert {item.sku: item.retired for item in shop.find(Item)}["OLD"] is True
    assert [part.sku for kit in shop.find(Kit) for part in kit.parts] == ["NEW", "BOX"]
    ship(shop, "D-2", "OLD", 1)
    ship(shop, "D-3", "OLD-PACK", 1)
    ship(shop, "D-4", "new", 1)
    assert [shop.booked(f"D-{n}") for n in (1, 2, 3, 4)] == [
        {"OLD": 2 * ONE}, {"NEW": ONE}, {"NEW": 3 * ONE}, {"NEW": ONE},
    ]  # fmt: skip
    assert shop.find(Audit)[0].details == {"to": "NEW", "quantity": "5"}
    assert [check for check in verify(shop.desk) if not check.ok] == []


def test_orders_that_waited_for_the_new_code_are_booked(shop: Shop) -> None:
    ship(shop, "D-1", "NEW", 2)
    rename(shop.desk, "OLD", "NEW")
    shop.work()
    assert shop.booked("D-1") == {"NEW": 2 * ONE}


def test_what_came_back_under_the_old_sku_is_brought_over_by_saying_it_again(shop: Shop) -> None:
    lost = shop.find(Unit)[0]
    rename(shop.desk, "OLD", "NEW")
    count(shop.desk, [Tally(2 * ONE, unit_id=lost.id)])
    assert rename(shop.desk, "OLD", "NEW").quantity == 2 * ONE
    assert (shop.on_hand("OLD"), shop.on_hand("NEW")) == (0, 9 * ONE)


def test_what_a_line_booked_before_gives_back_goes_to_the_item_that_it_is_now(shop: Shop) -> None:
    ship(shop, "D-1", "OLD", 4)
    rename(shop.desk, "OLD", "MID")
    rename(shop.desk, "MID", "NEW")
    units = shop.find(Unit)
    ship(shop, "D-2", "NEW", 4)
    assert shop.owed("NEW") == ONE
    take_back(shop.desk, "D-1", 1, 2 * ONE, "unworn")
    shop.work()
    assert (shop.returned("D-1"), shop.owed("NEW"), shop.on_hand("NEW")) == ({"OLD": 2 * ONE}, 0, ONE)
    set_quantity(shop.desk, "D-1", 1, 3 * ONE, "one too many")
    assert (shop.on_hand("OLD"), shop.on_hand("NEW")) == (0, 2 * ONE)
    assert len(shop.find(Unit)) == len(units)  # all of it went where the goods went that the lines were taken from
    assert [check for check in verify(shop.desk) if not check.ok] == []


def test_what_is_refunded_of_a_line_booked_before_goes_to_the_item_that_it_is_now() -> None:
    shop = opened(restock_reasons=frozenset({"unworn"}), restock_to="BACK")
    ship(shop, "D-1", "OLD", 4)
    rename(shop.desk, "OLD", "NEW")
    back = line("OLD", 4, shipped=DAY1, refunded=1, return_reason="unworn")
    body = envelope(order_refund("D-1", [back], refunded_at=DAY2))
    for _ in range(2):
        shop.send(body)
    lying = {(unit.sku, unit.location, unit.lot): unit.quantity for unit in shop.find(Unit) if unit.quantity}
    assert lying == {("NEW", "MAIN", "L1"): 3 * ONE, ("NEW", "BACK", "L1"): ONE}
    assert [check for check in verify(shop.desk) if not check.ok] == []


def test_what_comes_back_of_an_item_that_was_retired_for_another_stays_what_it_is(shop: Shop) -> None:
    ship(shop, "D-1", "OLD", 7)
    shop.items("ELSE")
    retire(shop.desk, "OLD")
    alias(shop.desk, "OLD", "ELSE")
    take_back(shop.desk, "D-1", 1, ONE, "unworn")
    assert (shop.on_hand("OLD"), shop.on_hand("ELSE")) == (ONE, 0)


def test_what_comes_back_is_first_for_who_is_owed_it_under_the_old_sku() -> None:
    shop = opened(restock_reasons=frozenset({"unworn"}))
    ship(shop, "D-1", "OLD", 4)
    ship(shop, "D-2", "OLD", 3)
    rename(shop.desk, "OLD", "NEW")
    set_quantity(shop.desk, "D-1", 1, 5 * ONE, "one more left")
    assert shop.owed("OLD") == ONE
    back = line("OLD", 3, shipped=DAY1, refunded=1, return_reason="unworn")
    shop.send(envelope(order_refund("D-2", [back], refunded_at=DAY2)))
    assert (shop.booked("D-1"), shop.owed("OLD"), shop.on_hand("NEW")) == ({"OLD": 5 * ONE}, 0, 0)


def test_a_piece_that_was_booked_in_under_the_new_sku_is_not_there_twice() -> None:
    shop = opened()
    with shop.store.write() as work:
        work.save([Item("CLOCK", serial=True)])
    shop.receive(("CLOCK", 1), serial="S-1")
    ship(shop, "D-1", "CLOCK", 1)
    rename(shop.desk, "CLOCK", "WATCH")
    shop.receive(("WATCH", 1), serial="s-1")
    take_back(shop.desk, "D-1", 1, ONE, "unworn")
    assert (shop.on_hand("CLOCK"), shop.on_hand("WATCH")) == (ONE, ONE)


def test_a_rename_is_taken_back_by_renaming_back(shop: Shop) -> None:
    rename(shop.desk, "OLD", "NEW")
    out = shop.find(Movement)[1]
    with pytest.raises(Refused, match="take that back by: stockhook items rename NEW OLD"):
        undo(shop.desk, out.id, "no")
    rename(shop.desk, "NEW", "OLD")
    assert (shop.on_hand("OLD"), shop.on_hand("NEW")) == (7 * ONE, 0)
    assert {item.sku: item.retired for item in shop.find(Item)} == {
        "OLD": False, "NEW": True, "BOX": False, "GIFT": False,
    }  # fmt: skip
    assert [(one.code, one.sku) for one in shop.find(Alias)] == [("new", "OLD")]
    ship(shop, "D-1", "NEW", 1)
    assert shop.booked("D-1") == {"OLD": ONE}


@pytest.mark.parametrize("by_unit", [True, False])
def test_what_shipped_before_a_count_is_not_taken_again_under_the_new_sku(shop: Shop, by_unit: bool) -> None:
    shop.clock.advance(timedelta(minutes=1))
    unit = shop.find(Unit)[0]
    count(shop.desk, [Tally(5 * ONE, unit_id=unit.id) if by_unit else Tally(5 * ONE, sku="OLD", location="MAIN")])
    rename(shop.desk, "OLD", "NEW")
    ship(shop, "D-1", "NEW", 2)
    assert shop.on_hand("NEW") == 5 * ONE


def test_what_cannot_be_renamed_is_refused_and_nothing_is_changed(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([Location("BACK"), Item("ELSE")])
    alias(shop.desk, "TWO", "OLD", 2 * ONE)
    ignore(shop.desk, "JUNK")
    before = shop.find(Item), shop.find(Alias), shop.find(Unit)
    for old, new, says in [
        ("OLD", "ELSE", "ELSE exists already; two items cannot become one"),
        ("OLD", " old ", "are the same code"),
        ("OLD", "TWO", "the code TWO means 2 x OLD"),
        ("OLD", "JUNK", "the code JUNK is ignored"),
        ("OLD", "", "the sku is empty"),
    ]:
        with pytest.raises(Refused, match=says):
            rename(shop.desk, old, new)
    with pytest.raises(NotFound, match="did you mean OLD"):
        rename(shop.desk, "ODL", "NEW")
    assert (shop.find(Item), shop.find(Alias), shop.find(Unit)) == before
    ship(shop, "D-1", "OLD", 9)
    with pytest.raises(Refused, match=r"OLD is owed to 1 order \(D-1\), booked under that sku"):
        rename(shop.desk, "OLD", "NEW")
    assert shop.on_hand("NEW") == 0
