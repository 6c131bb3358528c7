from collections.abc import Iterator
from contextlib import suppress

import pytest
from corrected import DAY1, DAY2, DAY3, changed_code, line_of, open_shop, refused, ship, sound
from hypothesis import given, settings
from hypothesis import strategies as st

from stockhook.errors import Refused
from stockhook.model import (
    Movement,
    MovementKind,
)
from stockhook.operations.codes import alias, ignore
from stockhook.operations.corrections import conflicts
from stockhook.quantity import ONE
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = open_shop()
    yield shop
    sound(shop)
    shop.store.close()


def test_accepting_reverses_binds_anew_and_books_in_one_commit(shop: Shop) -> None:
    changed_code(shop)
    assert shop.booked("D-1") == {"SOAP": 2 * ONE, "BELL": 2 * ONE}
    assert shop.problems() == {"line-conflict"}
    corrected = conflicts.accept(shop.desk, "D-1", 1, "the store mended it")
    assert shop.booked("D-1") == {"LAMP": 2 * ONE, "BELL": 2 * ONE}
    assert (shop.problems(), set(shop.states("D-1"))) == (set(), {"applied"})
    assert [move.kind for move in corrected.movements] == [MovementKind.REVERSAL, MovementKind.CONSUMPTION]
    assert len({move.at for move in corrected.movements}) == 1
    changed_code(shop, amount=2)
    assert shop.booked("D-1") == {"LAMP": 2 * ONE, "BELL": 2 * ONE}


def test_refusing_keeps_the_booking_and_is_not_asked_again(shop: Shop) -> None:
    changed_code(shop, amount=3)
    corrected = conflicts.refuse(shop.desk, "D-1", 1, "it was soap")
    assert corrected.movements == ()
    assert corrected.line.refused == ("lamp",)
    assert (shop.problems(), set(shop.states("D-1"))) == (set(), {"applied"})
    changed_code(shop, amount=3)
    assert (shop.booked("D-1"), shop.problems()) == ({"SOAP": 2 * ONE, "BELL": 2 * ONE}, set())
    refused(
        shop,
        "LAMP was refused before; accept it to take it over after all",
        lambda: conflicts.refuse(shop.desk, "D-1", 1, "again"),
    )
    conflicts.accept(shop.desk, "D-1", 1, "it was a lamp after all")
    assert shop.booked("D-1") == {"LAMP": 3 * ONE, "BELL": 2 * ONE}
    assert (line_of(shop).refused, line_of(shop).ruling) == ((), 0)


def test_another_code_than_the_one_refused_is_asked_about(shop: Shop) -> None:
    changed_code(shop)
    conflicts.refuse(shop.desk, "D-1", 1, "it was soap")
    third = [line("BELL", 2, shipped=DAY1), line("BELL", 2, shipped=DAY1)]
    shop.send(envelope(order_ship("D-1", third, created=DAY3)))
    assert shop.problems() == {"line-conflict"}
    assert shop.booked("D-1") == {"SOAP": 2 * ONE, "BELL": 2 * ONE}


def test_a_code_to_be_ignored_is_accepted_by_giving_all_back(shop: Shop) -> None:
    ignore(shop.desk, "GIFT-CARD")
    changed_code(shop, "GIFT-CARD")
    conflicts.accept(shop.desk, "D-1", 1, "it was a card")
    assert (shop.booked("D-1"), shop.problems()) == ({"BELL": 2 * ONE}, set())


def test_a_code_that_means_nothing_yet_is_to_be_mapped_before_it_is_accepted(shop: Shop) -> None:
    changed_code(shop, "LANTERN")
    refused(
        shop,
        "the store's code LANTERN means no item yet.*stockhook items alias LANTERN SKU",
        lambda: conflicts.accept(shop.desk, "D-1", 1, "it was a lamp"),
    )
    alias(shop.desk, "LANTERN", "LAMP")
    conflicts.accept(shop.desk, "D-1", 1, "it was a lamp")
    assert shop.booked("D-1") == {"LAMP": 2 * ONE, "BELL": 2 * ONE}


def test_a_kit_line_is_accepted_with_its_group(shop: Shop) -> None:
    shop.stock(B=20, C=20, D=20)
    shop.kit("SET", B=2, C=1)
    shop.kit("BOX", D=3)
    ship(shop, "D-1", 2, "SET")
    ship(shop, "D-1", 2, "BOX", created=DAY2)
    assert shop.problems() == {"line-conflict"}
    conflicts.accept(shop.desk, "D-1", 1, "the store mended it")
    assert (shop.booked("D-1"), shop.problems()) == ({"D": 6 * ONE}, set())


def test_there_must_be_something_to_accept_or_refuse(shop: Shop) -> None:
    shop.stock(SOAP=5)
    ship(shop, "D-1", 2)
    for act in (conflicts.accept, conflicts.refuse):
        refused(
            shop,
            r"is booked as 1 x SOAP, and that is what the store says \(SOAP\): there is nothing to accept or refuse",
            lambda act=act: act(shop.desk, "D-1", 1, "why not"),  # type: ignore[misc]
        )


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["ship", "accept", "refuse"]), st.sampled_from(["SOAP", "LAMP"]), st.integers(1, 3)),
        max_size=7,
    )
)
def test_whatever_a_line_becomes_it_is_booked_as_one_thing_and_repeats_change_nothing(
    steps: list[tuple[str, str, int]],
) -> None:
    shop = open_shop()
    shop.stock(SOAP=40, LAMP=40)
    days = iter(f"2026-11-{day:02}T12:00:00-05:00" for day in range(2, 30))
    said = ("SOAP", 2)
    ship(shop, "D-1", 2)
    for what, code, amount in steps:
        before = shop.booked("D-1")
        if what == "ship":
            said = (code, amount)
            ship(shop, "D-1", amount, code, next(days))
        else:
            with suppress(Refused):
                decide = conflicts.accept if what == "accept" else conflicts.refuse
                decide(shop.desk, "D-1", 1, "as packed")
                assert "line-conflict" not in shop.problems()
                assert shop.booked("D-1") == (before if what == "refuse" else {said[0]: said[1] * ONE})
        sound(shop)
        assert len(shop.booked("D-1")) == 1
        moved = shop.find(Movement)
        ship(shop, "D-1", said[1], said[0], next(days))
        assert shop.find(Movement) == moved
