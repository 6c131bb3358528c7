"""A receipt names what it booked, whatever settling has made of the same item in the same commit."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from keeping_shop import new_shop, ship, sound
from tornado.web import Application

from stockhook.model import Movement, MovementKind, Unit
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.testing.pages import Pages
from stockhook.testing.shop import Shop


def rule(shop: Shop, policy: ShortagePolicy) -> None:
    """Have the shop's own desk, not the worker's, decide by this policy: config was changed since the last event."""
    rules = {name: replace(rules, on_shortage=policy) for name, rules in shop.desk.policies.rules.items()}
    shop.desk = replace(shop.desk, policies=replace(shop.desk.policies, rules=rules))


@pytest.mark.parametrize(("then", "now"), list(permutations(ShortagePolicy, 2)), ids=str)
def test_a_receipt_returns_its_own_unit_and_movement_whatever_the_policy_was_and_is(
    then: ShortagePolicy, now: ShortagePolicy
) -> None:
    shop = new_shop(ChannelRules("shop", on_shortage=then))
    shop.items("A")
    ship(shop, "D-1", "A", 3)
    rule(shop, now)
    received = shop.receive(("A", 1), lot="L1")
    (unit,), (movement,) = received.units, received.movements
    assert (unit.lot, unit.received, unit.suspense) == ("L1", ONE, False)
    assert [movement] == shop.find(Movement, unit_id=unit.id, kind=MovementKind.RECEIPT)
    assert [order.order_id for order in received.orders] == ["D-1"]
    assert sound(shop)


def test_receipts_of_one_commit_return_their_units_in_the_order_in_which_they_were_given() -> None:
    shop = new_shop()
    shop.stock(A=7, B=1)
    ship(shop, "D-1", "A", 9)
    rule(shop, ShortagePolicy.NEGATIVE)
    goods = [Receipt(sku, ONE, "MAIN", lot=f"L{number}") for number, sku in enumerate(("A", "B", "A", "B"))]
    received = receive(shop.desk, [*goods[:2], replace(goods[0], lot="L9"), *goods[2:]])
    assert [(unit.sku, unit.lot) for unit in received.units] == [
        ("A", "L0"), ("B", "L1"), ("A", "L9"), ("A", "L2"), ("B", "L3"),
    ]  # fmt: skip
    assert [movement.unit_id for movement in received.movements] == [unit.id for unit in received.units]


class TestOfWhatIsOwedSinceThePolicyWasAnother:
    @pytest.fixture
    def app(self, pages: Pages) -> Application:
        shop = pages.shop
        shop.stock(SOAP=1)
        ship(shop, "D-1", "SOAP", 4)
        rule(shop, ShortagePolicy.NEGATIVE)
        return pages.application()

    async def test_a_program_is_answered_with_the_unit_that_came_in(self, post: Any, pages: Pages) -> None:
        received = await post("/stock/receive", {"sku": "SOAP", "quantity": "2", "location": "MAIN", "lot": "L1"})
        (unit,) = pages.shop.find(Unit, lot="L1")
        (movement,) = pages.shop.find(Movement, unit_id=unit.id, kind=MovementKind.RECEIPT)
        assert (received["unit_id"], received["received"], received["quantity"]) == (unit.id, "2", "0")
        assert (received["movement_id"], received["orders"]) == (movement.id, ["ultracart:DEMO/D-1"])
        assert pages.shop.find(Unit, suspense=True) != []

    async def test_a_person_reads_of_the_unit_that_came_in(self, done: Any, pages: Pages) -> None:
        _, said = await done("/items/SOAP/receive", quantity="2", location="MAIN", lot="L1")
        (unit,) = pages.shop.find(Unit, lot="L1")
        assert f"Received 2 of SOAP at MAIN as unit {unit.id}; 2 of it went at once to orders that were owed" in said
