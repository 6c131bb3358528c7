"""What is said about goods can be kept and printed, by whatever way it comes: pages, API, commands and files."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeping_shop import new_shop, ship

from stockhook.errors import Refused
from stockhook.model import Audit, Unit
from stockhook.operations import items
from stockhook.operations.corrections.amounts import set_quantity
from stockhook.operations.problems import waive
from stockhook.operations.stock.amendments import amend
from stockhook.operations.stock.details import MOST_PRIORITY
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.words import LONGEST, checked
from stockhook.quantity import ONE
from stockhook.testing.shop import Shop

TOO_LONG = f"at most {LONGEST} characters are kept"

WRONG = [
    ({"lot": "L" * (LONGEST + 1)}, f"the lot '{'L' * 40}' is too long: {TOO_LONG}"),
    ({"lot": "L\x1b[2J"}, "cannot be printed"),
    ({"reference": "R" * (LONGEST + 1)}, "the reference"),
    ({"reference": "a\0b"}, "cannot be printed"),
    ({"unit_cost": -5 * ONE}, "the unit cost -5 is below 0"),
    ({"priority": MOST_PRIORITY + 1}, "too far from 0"),
    ({"priority": -MOST_PRIORITY - 1}, "too far from 0"),
]


@pytest.fixture
def shop() -> Shop:
    shop = new_shop()
    shop.stock(A=5)
    return shop


@pytest.mark.parametrize(("said", "why"), WRONG)
def test_goods_of_which_such_is_said_are_not_received(shop: Shop, said: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused) as caught:
        receive(shop.desk, [Receipt("A", ONE, "MAIN", **said)])
    assert why in str(caught.value)
    assert len(shop.find(Unit)) == 1


def test_a_serial_number_is_held_to_the_same(shop: Shop) -> None:
    items.add(shop.desk, "LAMP", serial=True)
    with pytest.raises(Refused, match="the serial number"):
        receive(shop.desk, [Receipt("LAMP", ONE, "MAIN", serial="S" * (LONGEST + 1))])
    receive(shop.desk, [Receipt("LAMP", ONE, "MAIN", serial="S" * LONGEST)])


@pytest.mark.parametrize(("said", "why"), WRONG)
def test_a_unit_is_not_amended_to_such(shop: Shop, said: dict[str, Any], why: str) -> None:
    before = shop.find(Unit)
    with pytest.raises(Refused) as caught:
        amend(shop.desk, 1, said, "misread")
    assert why in str(caught.value)
    assert shop.find(Unit) == before


def test_what_is_just_within_is_kept(shop: Shop) -> None:
    said: dict[str, Any] = {
        "lot": "L" * LONGEST,
        "reference": "R" * LONGEST,
        "unit_cost": 0,
        "priority": -MOST_PRIORITY,
    }
    (unit,) = receive(shop.desk, [Receipt("A", ONE, "MAIN", **said)]).units
    assert {name: getattr(unit, name) for name in said} == said


def test_nothing_said_is_nothing_kept(shop: Shop) -> None:
    (unit,) = receive(shop.desk, [Receipt("A", ONE, "MAIN", lot="", reference="")]).units
    assert (unit.lot, unit.reference) == (None, None)


@pytest.mark.parametrize("reason", ["", "  ", "z" * (LONGEST + 1), "a\nb"])
def test_reasons_are_held_to_it_wherever_one_is_given(shop: Shop, reason: str) -> None:
    ship(shop, "D-1", "A", 8)
    told = len(shop.find(Audit))
    with pytest.raises(Refused, match="reason"):
        waive(shop.desk, 1, None, reason)
    with pytest.raises(Refused, match="reason"):
        set_quantity(shop.desk, "D-1", 1, 7 * ONE, reason)
    assert shop.owed("A") == 3 * ONE
    assert len(shop.find(Audit)) == told


def test_names_of_items_are_held_to_it(shop: Shop) -> None:
    with pytest.raises(Refused, match=TOO_LONG):
        items.add(shop.desk, "B", "n" * (LONGEST + 1))


@given(st.text(max_size=300))
def test_whatever_is_kept_is_trimmed_short_and_printable(written: str) -> None:
    trimmed = written.strip()
    if len(trimmed) <= LONGEST and trimmed.isprintable():
        assert checked("lot", written) == trimmed
        return
    with pytest.raises(Refused) as caught:
        checked("lot", written)
    assert str(caught.value).isprintable()
