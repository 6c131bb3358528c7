from dataclasses import replace
from datetime import date, datetime, timedelta
from math import gcd
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.kits import Reading
from stockhook.model import Binding, How, Line, Order, Part, Refund
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShipRule
from stockhook.target import Shipped, Target, how_shipped, kept_back, targets
from stockhook.testing import factories as make
from stockhook.testing.clock import START

SOLD = START - timedelta(days=9)
SHIPPED = START - timedelta(days=5)
REFUNDED = START - timedelta(days=2)
PLAIN = ChannelRules("shop")


def line(number: int = 1, **facts: Any) -> Line:
    return make.line(number=number, **{"code": "A", "quantity": 5 * ONE, "ship_said": make.said(), **facts})


def reading(one: Line, group: int | None = None, parts: tuple[Part, ...] | None = (Part("A", ONE),)) -> Reading:
    return Reading(one, How.PLAIN, parts, one.number if group is None else group)


def order(**facts: Any) -> Order:
    return make.order(**{"first_ship_at": START, **facts})


def refund(quantity: int, refunded_at: datetime | None, *, dated: bool, as_of: datetime = REFUNDED) -> Refund:
    return Refund(quantity * ONE, refunded_at, dated, as_of)


def target(one: Line, shipped: Shipped = Shipped.BY_LINE, rules: ChannelRules = PLAIN, **facts: Any) -> Target:
    return targets(order(**facts), [reading(one)], rules, shipped)[0]


class TestHowShipped:
    def test_nothing_has_shipped_before_an_event_says_so(self) -> None:
        assert how_shipped(order(), [reading(line(ship_said=None, shipped_at=None))], ShipRule.ORDER) is Shipped.NOT

    def test_auto_goes_by_the_lines_as_soon_as_one_has_a_date(self) -> None:
        lines = [reading(line(1, shipped_at=SHIPPED)), reading(line(2))]
        assert how_shipped(order(stage="Completed Order"), lines, ShipRule.AUTO) is Shipped.BY_LINE
        assert how_shipped(order(), lines, ShipRule.ORDER) is Shipped.BY_ORDER

    def test_auto_without_dates_goes_by_the_order_where_one_center_ships_it_all(self) -> None:
        assert how_shipped(order(), [reading(line(1, center="EAST")), reading(line(2))], ShipRule.AUTO) is (
            Shipped.BY_ORDER
        )
        assert how_shipped(order(), [reading(line(1))], ShipRule.LINE) is Shipped.BY_LINE

    def test_auto_without_dates_is_unclear_with_two_centers_until_the_order_is_complete(self) -> None:
        lines = [reading(line(1, center="EAST")), reading(line(2, center="WEST"))]
        assert how_shipped(order(), lines, ShipRule.AUTO) is Shipped.UNCLEAR
        assert how_shipped(order(stage="Completed Order"), lines, ShipRule.AUTO) is Shipped.BY_ORDER

    def test_the_center_of_a_line_that_consumes_nothing_does_not_count(self) -> None:
        lines = [reading(line(1, center="EAST")), reading(line(2, center="WEST"), parts=())]
        assert how_shipped(order(), lines, ShipRule.AUTO) is Shipped.BY_ORDER


class TestTargets:
    def test_a_dated_line_has_shipped_and_an_undated_one_beside_it_has_not(self) -> None:
        found = targets(order(), [reading(line(1, shipped_at=SHIPPED)), reading(line(2))], PLAIN, Shipped.BY_LINE)
        assert [(one.units, one.shipped, one.inferred) for one in found] == [(5 * ONE, True, False), (0, False, False)]

    def test_by_the_order_a_line_is_inferred_until_it_is_dated(self) -> None:
        assert target(line(), Shipped.BY_ORDER).inferred
        assert not target(line(shipped_at=SHIPPED), Shipped.BY_ORDER).inferred

    def test_a_line_that_no_shipping_event_listed_has_not_shipped_by_the_order(self) -> None:
        assert not target(line(ship_said=None), Shipped.BY_ORDER).shipped

    @pytest.mark.parametrize(
        ("facts", "rules", "reason"),
        [
            ({}, ChannelRules("shop", since=SHIPPED + timedelta(seconds=1)), "before-start"),
            ({"center": "Vendor"}, ChannelRules("shop", centers={"vendor": None}), "other-warehouse"),
        ],
    )
    def test_config_keeps_a_line_out_unless_it_was_booked_before(
        self, facts: dict[str, Any], rules: ChannelRules, reason: str
    ) -> None:
        one = line(shipped_at=SHIPPED, **facts)
        assert (target(one, rules=rules).units, target(one, rules=rules).reason) == (0, reason)
        booked = replace(one, binding=Binding("A", How.PLAIN, (Part("A", ONE),)))
        assert (target(booked, rules=rules).units, target(booked, rules=rules).reason) == (5 * ONE, None)

    def test_what_shipped_at_the_very_start_counts(self) -> None:
        assert target(line(shipped_at=SHIPPED), rules=ChannelRules("shop", since=SHIPPED)).reason is None

    def test_a_test_order_moves_nothing_even_when_it_was_booked(self) -> None:
        booked = line(shipped_at=SHIPPED, binding=Binding("A", How.PLAIN, (Part("A", ONE),)))
        assert (target(booked, test=True).units, target(booked, test=True).reason) == (0, "test-order")

    def test_the_ship_date_is_the_lines_then_the_orders_then_that_of_the_receipt_where_the_store_is(self) -> None:
        rules = ChannelRules("shop", time_zone=ZoneInfo("America/New_York"))
        late = START.replace(hour=3)
        own, orders = date(2026, 11, 20), date(2026, 11, 21)
        assert target(line(shipped_at=SHIPPED, ship_date=own), ship_date=orders).ship_date == own
        assert target(line(shipped_at=SHIPPED), ship_date=orders).ship_date == orders
        assert target(line(shipped_at=SHIPPED), rules=rules, first_ship_at=late).ship_date == date(2026, 11, 30)

    def test_a_refund_of_the_kit_line_alone_counts_for_its_components_in_proportion(self) -> None:
        head = line(1, quantity=2 * ONE, kit=True, refunds=(refund(1, SOLD, dated=True),), shipped_at=SHIPPED)
        inner = line(2, quantity=6 * ONE, component=True, shipped_at=SHIPPED)
        found = targets(order(), [reading(head), reading(inner, group=1)], PLAIN, Shipped.BY_LINE)
        assert [one.units for one in found] == [ONE, 3 * ONE]

    def test_a_refund_on_kit_and_components_does_not_count_twice(self) -> None:
        refunds = (refund(1, SOLD, dated=True),)
        head = line(1, quantity=2 * ONE, kit=True, refunds=refunds, shipped_at=SHIPPED)
        inner = line(2, quantity=2 * ONE, component=True, refunds=refunds, shipped_at=SHIPPED)
        assert targets(order(), [reading(head), reading(inner, group=1)], PLAIN, Shipped.BY_LINE)[1].units == ONE

    @given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.sampled_from([ONE, ONE // 2, ONE // 4]))
    def test_of_a_component_nothing_but_whole_units_is_kept_back(
        self, kits: int, refunded: int, quantity: int, step: int
    ) -> None:
        refunded = min(refunded, kits)
        head = line(1, quantity=kits * ONE, kit=True, refunds=(refund(refunded, SOLD, dated=True),), shipped_at=SHIPPED)
        inner = line(2, quantity=quantity * step, component=True, shipped_at=SHIPPED)
        found = targets(order(), [reading(head), reading(inner, group=1)], PLAIN, Shipped.BY_LINE)[1]
        whole = gcd(quantity * step, ONE)
        kept = inner.quantity - found.units
        assert kept % whole == 0
        assert kept + found.cut == inner.quantity * refunded // kits
        assert (found.cut < whole, found.unexplained) == (True, found.cut)

    def test_what_was_refunded_before_a_line_was_first_seen_is_unexplained(self) -> None:
        late = line(shipped_at=SHIPPED, refunds=(refund(2, REFUNDED, dated=True),), least_refunded=2 * ONE)
        assert (target(late).units, target(late).unexplained) == (5 * ONE, 2 * ONE)
        assert target(replace(late, least_refunded=0)).unexplained == 0


class TestRefundedAfterShipping:
    RULES = ChannelRules("shop", restock_reasons=frozenset({"unwanted"}))

    def back(self, one: Line) -> tuple[int, int]:
        found = target(one, rules=self.RULES)
        return found.refunded // ONE, found.back // ONE

    def test_what_was_kept_back_never_comes_back(self) -> None:
        kept = (refund(1, SOLD, dated=True),)
        one = line(shipped_at=SHIPPED, quantity_refunded=3 * ONE, refunds=kept, return_reason=" Unwanted ")
        assert self.back(one) == (2, 2)
        assert self.back(replace(one, return_reason="damaged")) == (2, 0)
        assert self.back(replace(one, return_reason=None)) == (2, 0)
        assert self.back(replace(one, quantity_refunded=0)) == (0, 0)

    def test_a_refund_of_the_kit_line_alone_brings_its_components_back_in_proportion(self) -> None:
        head = line(1, quantity=2 * ONE, kit=True, shipped_at=SHIPPED, quantity_refunded=ONE, return_reason="unwanted")
        inner = line(2, quantity=6 * ONE, component=True, shipped_at=SHIPPED)
        readings = [reading(head), reading(inner, group=1), reading(replace(inner, return_reason="damaged"), group=1)]
        found = targets(order(), readings, self.RULES, Shipped.BY_LINE)
        assert [(one.refunded // ONE, one.back // ONE) for one in found] == [(1, 1), (3, 3), (3, 0)]

    def test_the_moment_shipped_is_the_lines_then_the_orders_then_the_first_word_of_it(self) -> None:
        assert target(line(shipped_at=SHIPPED), shipping_date=SOLD).moment == SHIPPED
        assert target(line(), Shipped.BY_ORDER, shipping_date=SOLD).moment == SOLD
        assert target(line(), Shipped.BY_ORDER).moment == START
        assert target(line()).moment is None


class TestKeptBack:
    def test_a_refund_not_after_the_shipment_is(self) -> None:
        for at, kept in ((SOLD, 2), (SHIPPED, 2), (SHIPPED + timedelta(seconds=1), 0)):
            one = line(refunds=(refund(2, at, dated=True),))
            assert kept_back(one, SHIPPED, inferred=False) == kept * ONE

    def test_one_seen_while_the_line_had_not_shipped_is_though_its_date_is_gone(self) -> None:
        one = line(refunds=(refund(1, None, dated=False, as_of=SOLD), refund(3, REFUNDED, dated=True)))
        assert kept_back(one, SHIPPED, inferred=False) == ONE

    def test_an_inferred_line_had_shipped_in_snapshots_that_are_not_older_than_its_shipment(self) -> None:
        one = line(refunds=(refund(1, REFUNDED, dated=False, as_of=SHIPPED),))
        assert kept_back(one, SHIPPED, inferred=True) == 0
        assert kept_back(one, SHIPPED + timedelta(seconds=1), inferred=True) == ONE

    @given(
        quantity=st.integers(0, 6),
        refunds=st.lists(
            st.builds(
                refund,
                st.integers(1, 8),
                st.sampled_from([None, SOLD, SHIPPED, REFUNDED]),
                dated=st.booleans(),
                as_of=st.sampled_from([SOLD, SHIPPED, REFUNDED]),
            ),
            max_size=4,
        ),
        shipped=st.sampled_from([Shipped.BY_LINE, Shipped.BY_ORDER]),
        dated=st.booleans(),
    )
    def test_a_target_is_never_below_zero_nor_above_the_line_and_more_refunds_never_raise_it(
        self, quantity: int, refunds: list[Refund], shipped: Shipped, dated: bool
    ) -> None:
        one = line(quantity=quantity * ONE, shipped_at=SHIPPED if dated else None)
        units = [target(replace(one, refunds=tuple(refunds[:n])), shipped).units for n in range(len(refunds) + 1)]
        assert all(0 <= each <= quantity * ONE for each in units)
        assert units == sorted(units, reverse=True)


@pytest.mark.parametrize(
    ("parts", "ruling", "wanted"),
    [
        ((Part("A", ONE),), -ONE, [2 * ONE]),
        ((Part("A", 12 * ONE),), -ONE, [35 * ONE]),
        ((Part("A", 12 * ONE),), -90 * ONE, [0]),
        ((Part("B", 2 * ONE), Part("C", ONE)), -ONE, [4 * ONE, 2 * ONE]),
        ((Part("B", 2 * ONE), Part("C", ONE)), ONE, [8 * ONE, 4 * ONE]),
        ((Part("B", 2 * ONE), Part("C", ONE)), -9 * ONE, [0, 0]),
    ],
)
def test_a_ruling_counts_items_or_kits_and_leaves_nothing_at_the_least(
    parts: tuple[Part, ...], ruling: int, wanted: list[int]
) -> None:
    aim = Target(reading(line(ruling=ruling), parts=parts), 3 * ONE, shipped=True, inferred=False, ship_date=None)
    assert [aim.ruled(part) for part in parts] == wanted
