"""Orders are found by what a person has in hand of them, on each store."""

import pytest
from keeping_shop import ship

from stockhook.model import Delivery, Event
from stockhook.operations import codes, search
from stockhook.operations.search import Orders, lines_with_code, orders_named
from stockhook.store import Store
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.strategies.received import Fifo

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def shop(each_store: Store) -> Shop:
    """Lot L-1 goes to D-1 and D-2, the rest of D-2 and D-3 come of L-2; D-4 waits for the meaning of a code."""
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(each_store, channel, Fifo(Fifo.Options()))
    shop.items("SOAP", "BELL")
    shop.receive(("SOAP", 3), lot="L-1")
    shop.receive(("SOAP", 9), lot="L-2")
    codes.alias(shop.desk, "Savon", "SOAP")
    ship(shop, "D-1", "SOAP", 2)
    ship(shop, "D-2", "SOAP", 2)
    ship(shop, "D-3", "Savon", 2)
    ship(shop, "D-4", "UNHEARD", 1)
    return shop


def named(shop: Shop, **asked: str) -> set[str]:
    with shop.store.read() as view:
        found = orders_named(view, **asked)
        assert found is not None
        return {row.order_id for row in view.find(Event, found.match(view, Event)) if row.order_id}


def test_orders_are_found_by_id_code_and_lot_in_whatever_case(shop: Shop) -> None:
    assert named(shop, order="d-2") == {"D-2"}
    assert named(shop, code="soap") == {"D-1", "D-2"}
    assert named(shop, code="SAVON") == {"D-3"}
    assert named(shop, code="unheard") == {"D-4"}
    assert named(shop, lot="l-1") == {"D-1", "D-2"}
    assert named(shop, lot="L-2") == {"D-2", "D-3"}
    assert named(shop, lot="L-9") == set()


def test_what_is_asked_for_together_must_all_be_there(shop: Shop) -> None:
    assert named(shop, code="SOAP", lot="L-2") == {"D-2"}
    assert named(shop, order="D-1", lot="L-2") == set()
    with shop.store.read() as view:
        assert orders_named(view) is None


def test_deliveries_are_those_that_held_events_of_the_orders(shop: Shop) -> None:
    both = [order_ship(f"D-{n}", [line("SOAP", 2, shipped=DAY)]) for n in (1, 5)]
    again = shop.deliver(envelope(*both))
    shop.work()
    with shop.store.read() as view:
        found = Orders(frozenset({"D-1"})).match(view, Delivery)
        assert [row.id for row in view.find(Delivery, found)] == [again, 1]
        assert view.find(Delivery, Orders(frozenset({"D-9"})).match(view, Delivery)) == []


def test_no_more_than_so_many_orders_are_looked_at_and_those_are_the_newest(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST", 1)
    with shop.store.read() as view:
        assert orders_named(view, code="SOAP") == Orders(frozenset({"D-2"}), cut=True)
        assert orders_named(view, code="UNHEARD") == Orders(frozenset({"D-4"}))
        assert orders_named(view, lot="L-1") == Orders(frozenset({"D-2"}), cut=True)
        assert [each.order_id for each in lines_with_code(view, "SOAP", 1)] == ["D-2"]
    monkeypatch.setattr(search, "MOST", 500)
    monkeypatch.setattr(search, "_UNITS", 1)
    shop.receive(("SOAP", 9), lot="L-1")
    with shop.store.read() as view:
        assert orders_named(view, lot="L-1") == Orders(frozenset(), cut=True)
