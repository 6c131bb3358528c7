from collections.abc import Iterator
from datetime import date

import pytest
from corrected import lots, open_shop, quantity, refused, ship, sound, takes

from stockhook.model import (
    Allocation,
    Item,
    Location,
    MovementKind,
    Order,
)
from stockhook.operations.corrections import amounts, sources
from stockhook.operations.stock import holds
from stockhook.quantity import ONE
from stockhook.testing.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = open_shop()
    yield shop
    sound(shop)
    shop.store.close()


def test_another_unit_takes_the_place_of_all_that_was_taken(shop: Shop) -> None:
    lots(shop, 1, 5, 5)
    ship(shop, "D-1", 3)
    assert takes(shop) == {1: 1, 2: 2}
    corrected = sources.take_from_unit(shop.desk, "D-1", 1, 3, "read off the box")
    assert takes(shop) == {3: 3}
    assert [(move.kind, move.unit_id, move.quantity) for move in corrected.movements] == [
        (MovementKind.REVERSAL, 2, 2 * ONE),
        (MovementKind.REVERSAL, 1, ONE),
        (MovementKind.CONSUMPTION, 3, -3 * ONE),
    ]
    assert {move.reason for move in corrected.movements} == {"read off the box"}
    allocation = shop.find(Allocation)[0]
    assert (allocation.need, allocation.taken) == (3 * ONE, 3 * ONE)
    assert (allocation.trace.rule, allocation.trace.strategy) == (
        "correction by cli:test: read off the box",
        "correction",
    )
    assert allocation.trace.taken[0].why == "in place of 1 from unit 1, 2 from unit 2, by a person's word"
    assert corrected.movements[2].allocation_id == allocation.id
    assert corrected.line.ruling == 0
    (order,) = shop.find(Order)
    assert order.history[-1] == (
        "line 1: 3 SOAP taken from unit 3 instead of 1 from unit 1, 2 from unit 2, by cli:test: read off the box"
    )
    ship(shop, "D-1", 3)
    assert takes(shop) == {3: 3}


def test_what_was_taken_from_the_right_unit_already_stays(shop: Shop) -> None:
    lots(shop, 1, 5)
    ship(shop, "D-1", 3)
    corrected = sources.take_from_unit(shop.desk, "D-1", 1, 2, "read off the box")
    assert takes(shop) == {2: 3}
    assert [move.quantity for move in corrected.movements] == [ONE, -ONE]


def test_another_lot_is_taken_oldest_receipt_first_and_beside_what_is_of_it(shop: Shop) -> None:
    lots(shop, 2, 1)
    shop.receive(("SOAP", 4), lot="L2")
    ship(shop, "D-1", 3)
    assert takes(shop) == {1: 2, 2: 1}
    sources.take_from_lot(shop.desk, "D-1", 1, "l2", "read off the box")
    assert takes(shop) == {2: 1, 3: 2}
    refused(
        shop,
        "was taken from lot L2 already",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L2", "again"),
    )


def test_only_what_was_taken_from_one_unit_moves_when_that_is_named(shop: Shop) -> None:
    lots(shop, 1, 2, 5)
    ship(shop, "D-1", 3)
    sources.take_from_unit(shop.desk, "D-1", 1, 3, "read off the box", instead_of=1)
    assert takes(shop) == {2: 2, 3: 1}
    refused(
        shop,
        "nothing of SOAP was taken from unit 1 for line 1",
        lambda: sources.take_from_unit(shop.desk, "D-1", 1, 3, "again", instead_of=1),
    )


def test_goods_that_have_expired_or_lie_where_nothing_is_picked_may_have_left_all_the_same(shop: Shop) -> None:
    shop.stock(SOAP=3)
    with shop.store.write() as work:
        work.save([Location("BACK", pickable=False)])
    shop.receive(("SOAP", 3), location="BACK", expires_on=date(2026, 1, 1))
    ship(shop, "D-1", 2)
    sources.take_from_unit(shop.desk, "D-1", 1, 2, "seen")
    assert takes(shop) == {2: 2}


def test_what_is_given_back_by_another_choice_settles_what_is_owed(shop: Shop) -> None:
    lots(shop, 2)
    shop.receive(("SOAP", 3), lot="L2")
    holds.hold(shop.desk, "to be looked at", unit_id=2)
    ship(shop, "D-1", 2)
    ship(shop, "D-2", 2)
    assert shop.owed("SOAP") == 2 * ONE
    refused(
        shop,
        r"unit 2 is held: release it first \(`stockhook stock release 2`\), or name another",
        lambda: sources.take_from_unit(shop.desk, "D-1", 1, 2, "seen"),
    )
    refused(
        shop,
        r"all of lot L2 of SOAP is held: release it first \(`stockhook stock release --lot L2`\)",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L2", "seen"),
    )
    quantity(shop, 0)
    assert (shop.booked("D-2"), shop.owed("SOAP")) == ({"SOAP": 2 * ONE}, 0)


def test_a_unit_that_cannot_have_been_it_is_refused_with_the_reason(shop: Shop) -> None:
    lots(shop, 3, 1)
    shop.stock(LAMP=5)
    ship(shop, "D-1", 2)
    for unit, said in (
        (2, "unit 2 has 1 of SOAP, and line 1 of order D-1 needs 2; nothing was changed"),
        (3, "unit 3 holds LAMP, and line 1 of order D-1 was booked as SOAP"),
        (1, "line 1 of order D-1 was taken from unit 1 already"),
        (9, "there is no unit 9"),
    ):
        refused(shop, said, lambda unit=unit: sources.take_from_unit(shop.desk, "D-1", 1, unit, "seen"))  # type: ignore[misc]
    refused(
        shop,
        "there are no goods of lot L9 of SOAP",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L9", "seen"),
    )
    refused(
        shop,
        "lot L2 has 1 of SOAP, and line 1 of order D-1 needs 2",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L2", "seen"),
    )


def test_a_lot_of_several_items_of_a_kit_asks_which_one_is_meant(shop: Shop) -> None:
    shop.items("B", "C")
    shop.receive(("B", 5), ("C", 5), lot="L1")
    shop.receive(("B", 5), ("C", 5), lot="L2")
    shop.kit("SET", B=2, C=1)
    ship(shop, "D-1", 1, "SET")
    refused(
        shop,
        "line 1 of order D-1 was booked as B and C; name the SKU that you mean",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L2", "seen"),
    )
    refused(
        shop,
        "was booked as B and C, and not as D",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L2", "seen", sku="D"),
    )
    sources.take_from_lot(shop.desk, "D-1", 1, "L2", "seen", sku="c")
    assert takes(shop) == {1: 2, 4: 1}
    sources.take_from_unit(shop.desk, "D-1", 1, 3, "seen")
    assert takes(shop) == {3: 2, 4: 1}


def test_a_piece_with_a_serial_number_is_exchanged_for_the_one_that_left(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([Item("LAMP", serial=True)])
    shop.items()
    for number in ("S1", "S2", "S3"):
        shop.receive(("LAMP", 1), serial=number)
    ship(shop, "D-1", 2, "LAMP")
    sources.take_from_unit(shop.desk, "D-1", 1, 3, "read off the plate", instead_of=2)
    assert takes(shop) == {1: 1, 3: 1}
    refused(
        shop,
        r"LAMP has serial numbers: 0\.5 of it cannot leave; give whole pieces",
        lambda: amounts.set_quantity(shop.desk, "D-1", 1, ONE // 2, "half"),
    )


def test_what_is_only_owed_was_taken_from_nowhere(shop: Shop) -> None:
    shop.items("SOAP")
    ship(shop, "D-1", 2)
    refused(
        shop,
        "nothing is booked as taken for line 1 of order D-1; what is owed is settled by `stockhook stock receive`",
        lambda: sources.take_from_lot(shop.desk, "D-1", 1, "L1", "seen"),
    )
