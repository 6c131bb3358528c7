"""Exact quantities: what is written is what is kept, to the last of six places, or it is refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.errors import BadQuantity
from stockhook.quantity import LIMIT, ONE, counted, parse, text, times

QUANTITIES = st.integers(-LIMIT, LIMIT)


@given(QUANTITIES)
def test_a_quantity_is_read_back_as_it_was_written(quantity: int) -> None:
    assert parse(text(quantity)) == quantity


@given(QUANTITIES)
def test_a_number_and_its_text_are_the_same(quantity: int) -> None:
    assert parse(Decimal(quantity).scaleb(-6)) == quantity
    assert Fraction(text(quantity)) * ONE == quantity


@given(QUANTITIES.filter(lambda quantity: quantity % 10 != 0), st.integers(1, 9))
def test_a_seventh_place_is_refused_and_never_rounded(quantity: int, digit: int) -> None:
    written = f"{Decimal(quantity).scaleb(-6):.6f}{digit}"
    with pytest.raises(BadQuantity, match="more than 6 decimal places"):
        parse(written)


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12))
def test_a_product_is_exact_or_refused(quantity: int, factor: int) -> None:
    exact = Fraction(quantity, ONE) * Fraction(factor, ONE) * ONE
    if exact.denominator == 1:
        assert times(quantity, factor) == exact
    else:
        with pytest.raises(BadQuantity, match="more than 6 decimal places"):
            times(quantity, factor)


@pytest.mark.parametrize(
    "written", ["", "x", "1,5", "NaN", "Infinity", "-Infinity", "1e10", "1000000000.000001", "1e999999"]
)
def test_what_is_no_quantity_is_refused(written: str) -> None:
    with pytest.raises(BadQuantity):
        parse(written)


@pytest.mark.parametrize(
    ("written", "quantity"), [("3", 3 * ONE), (" 0.5 ", ONE // 2), ("1e3", 1000 * ONE), ("0e99", 0)]
)
def test_a_quantity_may_be_written_in_several_ways(written: str, quantity: int) -> None:
    assert parse(written) == quantity


def test_a_tenth_and_two_tenths_are_three() -> None:
    assert parse("0.1") + parse("0.2") == parse("0.3")
    assert [text(quantity) for quantity in (3 * ONE, ONE // 2, -2 * ONE, 0, 1)] == ["3", "0.5", "-2", "0", "0.000001"]


def test_how_many_there_are_is_said_in_words_of_one_or_of_several() -> None:
    assert [counted(number, "unit", "units") for number in (0, 1, 2)] == ["0 units", "1 unit", "2 units"]
