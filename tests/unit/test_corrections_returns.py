from collections.abc import Iterator
from datetime import date

import pytest
from corrected import DAY2, DAY3, back, lots, open_shop, quantity, refused, ship, sound, takes

from stockhook.model import (
    Booking,
    Item,
    Location,
    MovementKind,
    OrderKey,
    Unit,
)
from stockhook.operations.corrections import sources
from stockhook.operations.stock import counts
from stockhook.operations.stock.tallies import Tally
from stockhook.quantity import ONE
from stockhook.rules import ShortagePolicy
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.stores import memory


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = open_shop()
    yield shop
    sound(shop)
    shop.store.close()


def test_what_came_back_lies_where_it_came_from_last_taken_first_and_is_not_taken_again(shop: Shop) -> None:
    lots(shop, 2, 5)
    ship(shop, "D-1", 4)
    corrected = back(shop, 3)
    assert [(move.kind, move.unit_id, move.quantity, move.reason) for move in corrected.movements] == [
        (MovementKind.RETURN, 2, 2 * ONE, "brought back"),
        (MovementKind.RETURN, 1, ONE, "brought back"),
    ]
    assert (corrected.consumed, corrected.returned) == (4 * ONE, 3 * ONE)
    assert corrected.said == "line 1: 3 SOAP came back to unit 2, unit 1"
    ship(shop, "D-1", 4)
    assert shop.on_hand("SOAP") == 6 * ONE
    refused(shop, "1 of SOAP left for line 1 of order D-1 and have not come back, so 2 cannot", lambda: back(shop, 2))
    refused(shop, "0 cannot have come back", lambda: back(shop, 0))
    back(shop, 1)
    refused(shop, "nothing but what came back is booked as taken for line 1", lambda: back(shop, 1))


def test_what_came_back_settles_what_others_are_owed_in_the_same_commit(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 2)
    ship(shop, "D-2", 1)
    assert [key.order_id for key in back(shop, 1).settled] == ["D-2"]
    assert (shop.booked("D-2"), shop.owed("SOAP"), shop.on_hand("SOAP")) == ({"SOAP": ONE}, 0, 0)


def test_what_came_back_is_put_where_the_channel_says() -> None:
    shop = open_shop(restock_to="RETURNS")
    with shop.store.write() as work:
        work.save([Location("RETURNS", pickable=False)])
    shop.items("SOAP")
    shop.receive(("SOAP", 5), lot="L1", expires_on=date(2027, 3, 31), unit_cost=2 * ONE)
    ship(shop, "D-1", 4)
    assert back(shop, 1).said == "line 1: 1 SOAP came back to a new unit at RETURNS"
    back(shop, 2)
    (made,) = shop.find(Unit, location="RETURNS")
    assert (made.quantity, made.lot, made.expires_on, made.unit_cost) == (3 * ONE, "L1", date(2027, 3, 31), 2 * ONE)
    sound(shop)


def test_a_place_that_somebody_made_meanwhile_stays_as_they_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(restock_to="RETURNS")
    shop.stock(SOAP=5)
    ship(shop, "D-1", 3)
    made, plain = Location("RETURNS", pickable=True, pick_sequence=7), memory._Work.book

    def book(work: memory._Work, bookings: list[Booking]) -> frozenset[OrderKey | None]:
        work.save([made])
        return plain(work, bookings)

    monkeypatch.setattr(memory._Work, "book", book)
    back(shop, 1)
    assert shop.find(Location, path="RETURNS") == [made]


def test_what_came_back_is_neither_reversed_nor_moved_to_another_unit(shop: Shop) -> None:
    lots(shop, 3, 5)
    ship(shop, "D-1", 3)
    back(shop, 2)
    sources.take_from_unit(shop.desk, "D-1", 1, 2, "seen")
    assert takes(shop) == {2: 1}
    assert shop.on_hand("SOAP") == 7 * ONE
    refused(
        shop,
        "1 of what was taken for line 1 of order D-1 came back already: it left, and was returned, so 1 is too little",
        lambda: quantity(shop, 1),
    )
    quantity(shop, 2)
    assert (takes(shop), shop.on_hand("SOAP")) == ({}, 8 * ONE)
    ship(shop, "D-1", 3)
    assert shop.on_hand("SOAP") == 8 * ONE


def test_what_came_back_answers_what_was_asked_about_a_refund(shop: Shop) -> None:
    shop.stock(SOAP=9)
    body = order_ship("D-1", [line("SOAP", 2, refunded=1, shipped=DAY2)], refunded_at=DAY3)
    shop.send(envelope(body))
    back(shop, 1)
    shop.send(envelope(body))
    assert (shop.problems(), shop.on_hand("SOAP")) == (set(), 8 * ONE)


def test_of_a_kit_the_item_that_came_back_is_named(shop: Shop) -> None:
    shop.stock(B=9, C=9)
    shop.kit("SET", B=2, C=1)
    ship(shop, "D-1", 1, "SET")
    refused(shop, "was booked as B and C; name the SKU that you mean", lambda: back(shop, 1))
    back(shop, 1, sku="C")
    assert (shop.on_hand("B"), shop.on_hand("C")) == (7 * ONE, 9 * ONE)


def test_a_piece_that_is_in_stock_already_does_not_come_back_once_more(shop: Shop) -> None:
    shop.items()
    with shop.store.write() as work:
        work.save([Item("LAMP", serial=True)])
    shop.receive(("LAMP", 1), serial="S1")
    ship(shop, "D-1", 1, "LAMP")
    shop.receive(("LAMP", 1), serial="S1")
    refused(shop, "the other pieces are in stock already, by their serial numbers", lambda: back(shop, 1))


def test_a_unit_that_was_counted_since_the_goods_left_keeps_what_was_counted(shop: Shop) -> None:
    lots(shop, 5, 5)
    ship(shop, "D-1", 2)
    counts.count(shop.desk, [Tally(3 * ONE, unit_id=2)])
    sources.take_from_unit(shop.desk, "D-1", 1, 2, "seen")
    assert (takes(shop), shop.on_hand("SOAP")) == ({2: 2}, 8 * ONE)
    quantity(shop, 0)
    assert shop.on_hand("SOAP") == 8 * ONE


def test_under_negative_what_is_owed_is_given_up_first_and_stays_off_the_suspense_unit() -> None:
    shop = open_shop(on_shortage=ShortagePolicy.NEGATIVE)
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    suspense = next(unit for unit in shop.find(Unit) if unit.suspense)
    assert suspense.quantity == -3 * ONE
    refused(
        shop,
        f"unit {suspense.id} is what is owed of SOAP, and no goods",
        lambda: sources.take_from_unit(shop.desk, "D-1", 1, suspense.id, "seen"),
    )
    quantity(shop, 3)
    sound(shop)
    assert (takes(shop), shop.owed("SOAP")) == ({1: 2}, ONE)
    quantity(shop, 1)
    sound(shop)
    assert (takes(shop), shop.owed("SOAP")) == ({1: 1}, 0)
    quantity(shop, 4)
    sound(shop)
    assert next(unit for unit in shop.find(Unit) if unit.suspense).quantity == -2 * ONE
