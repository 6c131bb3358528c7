from collections.abc import Iterator

import pytest
from corrected import DAY1, DAY2, DAY3, changed_code, open_shop, quantity, refused, ship, sound, takes

from stockhook.errors import NotFound, Refused
from stockhook.model import (
    Audit,
    KitPolicy,
    MovementKind,
    Order,
    Problem,
    Shortage,
)
from stockhook.operations.codes import alias, ignore
from stockhook.operations.corrections import amounts
from stockhook.operations.problems import waive
from stockhook.quantity import ONE
from stockhook.rules import ShortagePolicy
from stockhook.testing.payloads import envelope, kit, line, order_ship
from stockhook.testing.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = open_shop()
    yield shop
    sound(shop)
    shop.store.close()


def test_less_is_reversed_last_taken_first_and_the_sentence_names_who_and_why(shop: Shop) -> None:
    shop.stock(SOAP=2)
    shop.receive(("SOAP", 5))
    ship(shop, "D-1", 4)
    assert takes(shop) == {1: 2, 2: 2}
    corrected = quantity(shop, 1)
    assert takes(shop) == {1: 1}
    assert [(move.kind, move.unit_id, move.quantity) for move in corrected.movements] == [
        (MovementKind.REVERSAL, 2, 2 * ONE),
        (MovementKind.REVERSAL, 1, ONE),
    ]
    assert {move.reason for move in corrected.movements} == {"as packed"}
    assert {move.actor for move in corrected.movements} == {"cli:test"}
    assert (corrected.line.ruling, corrected.consumed, corrected.owed) == (-3 * ONE, ONE, 0)
    (order,) = shop.find(Order)
    assert order.history == ("line 1 corrected from 4 to 1, by cli:test: as packed",)
    (entry,) = shop.find(Audit, action="orders correct")
    assert (entry.actor, entry.subject, entry.reason) == ("cli:test", "ultracart:DEMO/D-1", "as packed")
    assert entry.details == {"line": "1", "kind": "quantity", "quantity": "1", "ruling": "-3", "ruling_before": "0"}


def test_more_is_taken_by_the_strategy_and_the_rest_is_owed(shop: Shop) -> None:
    shop.stock(SOAP=3)
    ship(shop, "D-1", 2)
    corrected = quantity(shop, 4)
    assert (corrected.consumed, corrected.owed) == (3 * ONE, ONE)
    assert shop.problems() == {"insufficient-inventory"}
    assert shop.states("D-1") == ["short"]
    shop.receive(("SOAP", 5))
    assert shop.booked("D-1") == {"SOAP": 4 * ONE}
    assert shop.states("D-1") == ["applied"]


def test_what_other_lines_of_the_order_had_due_is_told_with_it(shop: Shop) -> None:
    shop.stock(A=5, SALT=5)
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1), line("PINCH", 2, shipped=DAY1)])))
    alias(shop.desk, "PINCH", "SALT")
    corrected = quantity(shop, 1)
    assert corrected.said == (
        "line 1 corrected from 2 to 1; other lines of the order were due, and booked as well: -2 of SALT"
    )
    assert "other lines" not in quantity(shop, 2).said


def test_what_is_given_back_settles_what_others_are_owed_in_the_same_commit(shop: Shop) -> None:
    shop.stock(SOAP=3)
    ship(shop, "D-1", 3)
    ship(shop, "D-2", 2)
    corrected = quantity(shop, 2)
    assert [key.order_id for key in corrected.settled] == ["D-2"]
    assert shop.booked("D-2") == {"SOAP": ONE}
    assert shop.owed("SOAP") == ONE


def test_what_other_lines_of_a_kit_give_back_settles_what_others_are_owed_too() -> None:
    shop = open_shop(kits=KitPolicy.STOCKED_FIRST)
    shop.items("SET")
    shop.stock(B=4, C=2)
    shop.send(envelope(order_ship("D-1", kit("SET", 2, [("B", 4), ("C", 2)], index=1, shipped=DAY1))))
    ship(shop, "D-2", 2, "B")
    corrected = quantity(shop, 1)
    assert [key.order_id for key in corrected.settled] == ["D-2"]
    assert (shop.booked("D-2"), shop.owed("B")) == ({"B": 2 * ONE}, 0)
    sound(shop)


def test_what_is_owed_is_withdrawn_before_anything_is_reversed(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    quantity(shop, 3)
    (row,) = shop.find(Shortage)
    assert (row.open, row.withdrawn) == (ONE, 2 * ONE)
    quantity(shop, 2)
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}
    assert (shop.problems(), shop.states("D-1")) == (set(), ["applied"])
    ship(shop, "D-1", 5)
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}


def test_what_was_waived_never_left_when_a_person_says_so(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    waive(shop.desk, shop.find(Problem)[0].id, None, "lost")
    quantity(shop, 2)
    (row,) = shop.find(Shortage)
    assert (row.open, row.waived, row.withdrawn) == (0, 0, 3 * ONE)
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}
    quantity(shop, 1)
    assert shop.booked("D-1") == {"SOAP": ONE}


def test_as_store_takes_every_ruling_back(shop: Shop) -> None:
    shop.stock(SOAP=9)
    ship(shop, "D-1", 2)
    quantity(shop, 5)
    back = amounts.follow_store(shop.desk, "D-1", 1, "counted again")
    assert (shop.booked("D-1"), back.line.ruling) == ({"SOAP": 2 * ONE}, 0)
    assert back.said == "line 1 booked as the store says, 2, instead of 5"
    quantity(shop, 0)
    assert shop.booked("D-1") == {}
    amounts.follow_store(shop.desk, "D-1", 1, "they did leave")
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}
    refused(
        shop,
        "is booked as 2 already, and that is what the store says: nothing to correct",
        lambda: amounts.follow_store(shop.desk, "D-1", 1, "once more"),
    )


def test_a_ruling_on_what_is_booked_ends_a_regression(shop: Shop) -> None:
    shop.stock(SOAP=9)
    ship(shop, "D-1", 3)
    ship(shop, "D-1", 2, created=DAY2)
    assert shop.problems() == {"regression"}
    corrected = quantity(shop, 3)
    assert (shop.problems(), corrected.line.ruling, corrected.movements) == (set(), ONE, ())
    ship(shop, "D-1", 2, created=DAY3)
    assert (shop.problems(), shop.booked("D-1")) == (set(), {"SOAP": 3 * ONE})


def test_a_ruling_that_it_never_left_ends_a_regression_as_well(shop: Shop) -> None:
    shop.stock(SOAP=9)
    ship(shop, "D-1", 3)
    ship(shop, "D-1", 2, created=DAY2)
    amounts.follow_store(shop.desk, "D-1", 1, "one stayed here")
    assert (shop.problems(), shop.booked("D-1")) == (set(), {"SOAP": 2 * ONE})


@pytest.mark.parametrize("left", [1, 2])
def test_a_ruling_ends_the_question_about_a_refund(left: int, shop: Shop) -> None:
    shop.stock(SOAP=9)
    body = order_ship("D-1", [line("SOAP", 2, refunded=1, shipped=DAY2)], refunded_at=DAY3)
    shop.send(envelope(body))
    assert shop.problems() == {"refund-unclear"}
    quantity(shop, left)
    assert (shop.problems(), shop.booked("D-1")) == (set(), {"SOAP": left * ONE})
    shop.send(envelope(body))
    assert (shop.problems(), shop.booked("D-1")) == (set(), {"SOAP": left * ONE})


def test_a_kit_by_definition_is_ruled_in_kits(shop: Shop) -> None:
    shop.stock(B=20, C=20)
    shop.kit("SET", B=2, C=1)
    ship(shop, "D-1", 3, "SET")
    assert shop.booked("D-1") == {"B": 6 * ONE, "C": 3 * ONE}
    assert quantity(shop, 1).line.ruling == -2 * ONE
    assert shop.booked("D-1") == {"B": 2 * ONE, "C": ONE}
    quantity(shop, 4)
    assert shop.booked("D-1") == {"B": 8 * ONE, "C": 4 * ONE}
    ship(shop, "D-1", 3, "SET")
    assert shop.booked("D-1") == {"B": 8 * ONE, "C": 4 * ONE}


def test_a_kit_taken_finished_first_gives_up_components_before_finished_ones(shop: Shop) -> None:
    shop.stock(B=20, C=20)
    shop.kit("SET", KitPolicy.STOCKED_FIRST, B=2, C=1)
    shop.receive(("SET", 1))
    ship(shop, "D-1", 3, "SET")
    assert shop.booked("D-1") == {"SET": ONE, "B": 4 * ONE, "C": 2 * ONE}
    quantity(shop, 2)
    assert shop.booked("D-1") == {"SET": ONE, "B": 2 * ONE, "C": ONE}
    shop.receive(("SET", 5))
    quantity(shop, 0)
    assert shop.booked("D-1") == {}
    ship(shop, "D-1", 3, "SET")
    assert shop.booked("D-1") == {}
    amounts.follow_store(shop.desk, "D-1", 1, "they did leave")
    assert shop.booked("D-1") == {"SET": 3 * ONE}


@pytest.mark.parametrize("finished", [0, 1, 5])
@pytest.mark.parametrize("left", [0, 1, 3, 4])
def test_a_kit_whose_components_the_store_lists_is_ruled_on_its_kit_line(finished: int, left: int) -> None:
    shop = open_shop(kits=KitPolicy.STOCKED_FIRST)
    shop.stock(B=20, C=20)
    shop.kit("SET", B=2, C=1)
    if finished:
        shop.receive(("SET", finished))
    body = envelope(order_ship("D-1", kit("SET", 2, [("B", 4), ("C", 2)], index=1, shipped=DAY1)))
    shop.send(body)
    quantity(shop, left)
    shop.send(body)
    booked = shop.booked("D-1")
    assert booked.get("SET", 0) == min(finished, left) * ONE
    assert (booked.get("B", 0), booked.get("C", 0)) == tuple(n * max(left - finished, 0) * ONE for n in (2, 1))
    sound(shop)


def test_a_quantity_counts_items_and_not_what_the_store_sells(shop: Shop) -> None:
    shop.stock(SOAP=50)
    alias(shop.desk, "SOAP-12", "SOAP", factor=12 * ONE)
    ship(shop, "D-1", 2, "SOAP-12")
    quantity(shop, 23)
    ship(shop, "D-1", 2, "SOAP-12")
    assert shop.booked("D-1") == {"SOAP": 23 * ONE}
    ship(shop, "D-1", 3, "SOAP-12", created=DAY2)
    assert shop.booked("D-1") == {"SOAP": 35 * ONE}


def test_under_the_policy_order_a_ruling_may_be_what_lets_the_order_go() -> None:
    shop = open_shop(on_shortage=ShortagePolicy.ORDER)
    shop.stock(SOAP=2)
    ship(shop, "D-1", 3)
    assert shop.booked("D-1") == {}
    quantity(shop, 2)
    assert (shop.booked("D-1"), shop.problems(), shop.states("D-1")) == ({"SOAP": 2 * ONE}, set(), ["applied"])
    sound(shop)


def test_what_cannot_be_ruled_is_refused_with_a_way_out(shop: Shop) -> None:
    shop.stock(SOAP=9)
    ignore(shop.desk, "CARD")
    lines = [line("SOAP", 2, shipped=DAY1), line("WHAT", 1, shipped=DAY1), line("CARD", 1, shipped=DAY1)]
    shop.send(envelope(order_ship("D-1", [*lines, line("SOAP", 1)])))
    for index, amount, said in (
        (1, 2, "line 1 of order D-1 is booked as 2 already"),
        (1, -1, "-1 cannot have left; give what really left"),
        (2, 1, "the code WHAT of line 2 of order D-1 means no item yet.*items alias WHAT SKU"),
        (3, 1, r"line 3 of order D-1 \(CARD\) moves no stock: its code is to be ignored"),
        (4, 1, "the store says that line 4 of order D-1 has not shipped.*problems acknowledge"),
    ):
        refused(shop, said, lambda index=index, amount=amount: quantity(shop, amount, index=index))  # type: ignore[misc]
    with pytest.raises(NotFound, match="order D-1 has no line 7, only 1, 2, 3, 4"):
        quantity(shop, 1, index=7)
    with pytest.raises(NotFound, match="there is no order 'D-9'"):
        quantity(shop, 1, "D-9")
    with pytest.raises(Refused, match="a correction needs a reason"):
        amounts.set_quantity(shop.desk, "D-1", 1, ONE, "  ")


def test_the_lines_of_a_kit_say_which_of_them_moves_stock(shop: Shop) -> None:
    shop.stock(B=9)
    shop.kit("SET", B=1)
    body = [
        line("SET", 1, index=1, kit=True, shipped=DAY1),
        line("B", 1, index=2, component=True, parent_index=1, shipped=DAY1),
    ]
    shop.send(envelope(order_ship("D-1", body)))
    refused(shop, r"line 1 of order D-1 \(SET\) moves no stock: its components do", lambda: quantity(shop, 0))
    quantity(shop, 0, index=2)
    assert shop.booked("D-1") == {}


def test_nothing_is_ruled_while_it_is_not_known_which_lines_shipped(shop: Shop) -> None:
    shop.stock(A=9, B=9)
    shop.send(envelope(order_ship("D-1", [line("A", 2, center="EAST"), line("B", 3, center="WEST")])))
    refused(shop, "the store has not said which lines of the order have shipped", lambda: quantity(shop, 2))


def test_no_quantity_is_ruled_while_it_is_not_clear_of_what(shop: Shop) -> None:
    changed_code(shop)
    refused(shop, "first accept that, or refuse it", lambda: quantity(shop, 1))
