"""What a stock keeper does to goods that are there: move, hold, amend; and why each change is made."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping_shop import LATER, new_shop, ship, sound

from stockhook.errors import NotFound, Refused
from stockhook.model import Audit, Movement, MovementKind, Unit
from stockhook.operations import locations
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.amendments import amend
from stockhook.operations.stock.holds import hold, release
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.transfers import move
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.testing.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return new_shop()


class TestMoving:
    def test_the_unit_there_inherits_everything_and_the_two_halves_name_each_other(self, shop: Shop) -> None:
        shop.items("A")
        more = {"lot": "L1", "expires_on": date(2027, 3, 31), "unit_cost": 2 * ONE, "priority": 3, "reference": "W-1"}
        shop.receive(("A", 5), **more)
        moved = move(shop.desk, 1, 2 * ONE, "BACK")
        assert (moved.source.quantity, moved.target.quantity) == (3 * ONE, 2 * ONE)
        assert {name: getattr(moved.target, name) for name in more} == more
        assert (moved.target.received_at, moved.target.location) == (moved.source.received_at, "BACK")
        into, out = shop.find(Movement)[:2]
        assert (out.kind, into.kind) == (MovementKind.TRANSFER_OUT, MovementKind.TRANSFER_IN)
        assert (out.quantity, into.quantity, into.reverses) == (-2 * ONE, 2 * ONE, out.id)
        assert shop.find(Audit)[0].details == {"quantity": "2", "to": "BACK"}
        assert sound(shop)

    def test_moving_to_and_fro_makes_no_more_units(self, shop: Shop) -> None:
        shop.stock(A=5)
        for _ in range(3):
            there = move(shop.desk, 1, 5 * ONE, "BACK").target
            assert move(shop.desk, there.id, 5 * ONE, "MAIN").target.id == 1
        assert [unit.quantity for unit in shop.find(Unit)] == [0, 5 * ONE]

    def test_goods_of_another_origin_are_not_joined(self, shop: Shop) -> None:
        shop.items("A")
        shop.receive(("A", 5), lot="L1")
        shop.receive(("A", 5), lot="L2", location="BACK")
        assert move(shop.desk, 1, ONE, "BACK").target.id == 3

    def test_what_arrives_where_orders_take_it_settles_what_is_owed_at_once(self, shop: Shop) -> None:
        shop.items("A")
        shop.receive(("A", 5), location="ATTIC")
        ship(shop, "D-1", "A", 3)
        assert shop.owed("A") == 3 * ONE
        moved = move(shop.desk, 1, 4 * ONE, "MAIN")
        assert (moved.target.quantity, moved.orders[0].order_id, shop.owed("A")) == (ONE, "D-1", 0)
        assert sound(shop)

    def test_held_goods_stay_held(self, shop: Shop) -> None:
        shop.stock(A=5)
        hold(shop.desk, "smells", unit_id=1)
        assert move(shop.desk, 1, 5 * ONE, "BACK").target.held

    @given(steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["MAIN", "BACK", "ATTIC"]), st.integers(1, 4))))
    @settings(max_examples=25, deadline=None)
    def test_moves_and_their_undoing_keep_what_there_is_of_each_item_and_lot(
        self, steps: list[tuple[int, str, int]]
    ) -> None:
        shop = new_shop()
        shop.items("A", "B")
        shop.receive(("A", 5), ("B", 3), lot="L1")
        shop.receive(("A", 4), lot="L2")
        before = totals(shop)
        for n, path, quantity in steps:
            shop.clock.advance(LATER)
            lying = [unit for unit in shop.find(Unit) if unit.quantity and unit.location != path]
            if not lying:
                continue
            unit = lying[n % len(lying)]
            moved = move(shop.desk, unit.id, min(quantity * ONE, unit.quantity), path)
            if quantity == 4:
                undo(shop.desk, moved.into.id if n % 2 else moved.out.id, "not there")
            assert totals(shop) == before
        assert sound(shop)


def totals(shop: Shop) -> dict[tuple[str, str | None], int]:
    found: dict[tuple[str, str | None], int] = {}
    for unit in shop.find(Unit):
        found[unit.sku, unit.lot] = found.get((unit.sku, unit.lot), 0) + unit.quantity
    return found


class TestHolding:
    def test_held_goods_are_offered_to_no_order_until_they_are_released(self, shop: Shop) -> None:
        shop.stock(A=5)
        assert hold(shop.desk, "smells", unit_id=1).changed == (1,)
        ship(shop, "D-1", "A", 2)
        assert (shop.owed("A"), shop.on_hand("A")) == (2 * ONE, 5 * ONE)
        released = release(shop.desk, "it was the box", unit_id=1)
        assert ([key.order_id for key in released.orders], shop.owed("A"), shop.on_hand("A")) == (["D-1"], 0, 3 * ONE)
        assert [(entry.action, entry.subject, entry.reason) for entry in shop.find(Audit)] == [
            ("stock release", "unit 1", "it was the box"),
            ("stock hold", "unit 1", "smells"),
            ("stock receive", "A", None),
        ]
        assert sound(shop)

    def test_a_lot_is_held_wherever_and_however_it_is_written_its_empty_units_too(self, shop: Shop) -> None:
        shop.items("A", "B")
        shop.receive(("A", 1), lot="l7")
        shop.receive(("A", 4), ("B", 2), lot="L7 ".strip(), location="BACK")
        shop.receive(("A", 4), lot="L8")
        ship(shop, "D-1", "A", 1)
        assert set(hold(shop.desk, "recall", lot=" L7").changed) == {1, 2, 3}
        assert {unit.id for unit in shop.find(Unit) if unit.held} == {1, 2, 3}
        with pytest.raises(NotFound, match="there is no lot 'L9'; did you mean L"):
            release(shop.desk, "good", lot="L9")

    def test_doing_it_again_changes_nothing(self, shop: Shop) -> None:
        shop.stock(A=5)
        for does, held in ((hold, True), (release, False)):
            does(shop.desk, "checked", unit_id=1)
            entries = len(shop.find(Audit))
            assert does(shop.desk, "checked", unit_id=1).changed == ()
            assert (shop.find(Unit)[0].held, len(shop.find(Audit))) == (held, entries)

    @given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from([1, 2, "L1", "L2"])), max_size=8))
    @settings(max_examples=20, deadline=None)
    def test_holds_and_releases_are_the_last_word_and_move_no_goods(self, steps: list[tuple[bool, int | str]]) -> None:
        shop = new_shop()
        shop.items("A")
        shop.receive(("A", 5), lot="L1")
        shop.receive(("A", 4), lot="L2")
        held = {1: False, 2: False}
        for hold_it, what in steps:
            number = what if isinstance(what, int) else int(what[1])
            named = {"unit_id": what} if isinstance(what, int) else {"lot": what}
            for _ in range(2):
                (hold if hold_it else release)(shop.desk, "checked", **named)  # type: ignore[arg-type] # one of the two
            held[number] = hold_it
            assert {unit.id: unit.held for unit in shop.find(Unit)} == held
        assert shop.on_hand("A") == 9 * ONE


class TestAmending:
    def test_it_changes_what_is_written_about_a_unit_and_keeps_what_it_was(self, shop: Shop) -> None:
        shop.items("A")
        shop.receive(("A", 5), lot="L1", unit_cost=ONE)
        fields = {"lot": "L2", "expires_on": date(2027, 3, 31), "unit_cost": None, "priority": 7}
        done = amend(shop.desk, 1, fields, "misread the label")
        unit = shop.find(Unit)[0]
        assert (unit.lot, unit.expires_on, unit.unit_cost, unit.priority, unit.quantity) == (
            "L2", date(2027, 3, 31), None, 7, 5 * ONE,
        )  # fmt: skip
        assert done.before.lot == "L1"
        entry = shop.find(Audit)[0]
        assert (entry.action, entry.reason, entry.details) == (
            "stock amend",
            "misread the label",
            {
                "lot_before": "L1",
                "lot_after": "L2",
                "expires_on_after": "2027-03-31",
                "unit_cost_before": "1",
                "priority_after": "7",
            },
        )

    def test_goods_that_are_good_after_all_settle_what_is_owed(self, shop: Shop) -> None:
        shop.items("A")
        shop.receive(("A", 5), expires_on=date(2026, 10, 1))
        ship(shop, "D-1", "A", 2)
        assert shop.owed("A") == 2 * ONE
        amend(shop.desk, 1, {"expires_on": date(2027, 10, 1)}, "misread the label")
        assert (shop.owed("A"), shop.booked("D-1")) == (0, {"A": 2 * ONE})
        assert sound(shop)

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({}, "nothing to amend"),
            ({"lot": "L1"}, "says so already"),
            ({"serial": "S-9"}, "has no serial numbers"),
            ({"received_at": None}, "needs the moment it came in"),
            ({"received_at": datetime(2036, 1, 1, tzinfo=UTC)}, "2036-01-01 00:00Z has not come yet"),
        ],
    )
    def test_what_cannot_be_is_refused(self, shop: Shop, fields: dict[str, object], says: str) -> None:
        shop.items("A")
        shop.receive(("A", 5), lot="L1")
        with pytest.raises(Refused, match=says):
            amend(shop.desk, 1, fields, "misread")


class TestReasons:
    def test_usual_codes_are_kept_alike_and_any_other_text_as_it_is(self, shop: Shop) -> None:
        shop.stock(A=5)
        for reason in (" Damaged ", "DAMAGED", "Fell off the shelf"):
            adjust(shop.desk, 1, -ONE, reason)
        assert [movement.reason for movement in shop.find(Movement)[:3]] == [
            "Fell off the shelf", "damaged", "damaged",
        ]  # fmt: skip

    def test_a_reason_is_short_and_can_be_printed(self, shop: Shop) -> None:
        shop.stock(A=5)
        for reason in ("x" * 201, "a\x1b[2J", ""):
            with pytest.raises(Refused, match="reason"):
                adjust(shop.desk, 1, -ONE, reason)
        assert shop.on_hand("A") == 5 * ONE


def test_units_of_measure_are_factors_of_aliases(shop: Shop) -> None:
    from stockhook.operations.codes import alias

    shop.stock(SOAP=30)
    alias(shop.desk, "SOAP-12PK", "SOAP", 12 * ONE)
    alias(shop.desk, "SOAP-HALF", "SOAP", ONE // 2)
    ship(shop, "D-1", "soap-12pk ", 2)
    ship(shop, "D-2", "SOAP-HALF", 3)
    assert (shop.booked("D-1"), shop.booked("D-2")) == ({"SOAP": 24 * ONE}, {"SOAP": 3 * ONE // 2})
    assert shop.on_hand("SOAP") == 30 * ONE - 24 * ONE - 3 * ONE // 2


def test_a_location_is_known_by_its_path_before_goods_are_moved_there(shop: Shop) -> None:
    shop.stock(A=5)
    with pytest.raises(NotFound, match="there is no location 'BAKC'; did you mean BACK"):
        move(shop.desk, 1, ONE, "BAKC")
    locations.add(shop.desk, "MAIN/NEW")
    assert move(shop.desk, 1, ONE, "MAIN/NEW").target.location == "MAIN/NEW"


def test_when_it_came_in_can_be_put_right_and_changes_the_order_of_use(shop: Shop) -> None:
    shop.items("A")
    shop.receive(("A", 1), lot="first")
    shop.clock.advance(LATER)
    shop.receive(("A", 1), lot="second")
    amend(shop.desk, 2, {"received_at": datetime(2026, 1, 1, tzinfo=UTC)}, "from last winter")
    ship(shop, "D-1", "A", 1)
    assert [unit.lot for unit in shop.find(Unit) if unit.quantity] == ["first"]


def test_what_is_owed_is_told_once_where_it_is_booked_below_zero_too() -> None:
    shop = new_shop(ChannelRules("shop", on_shortage=ShortagePolicy.NEGATIVE))
    shop.stock(A=2)
    ship(shop, "D-1", "A", 5)
    adjusted = adjust(shop.desk, 1, ONE, "found")
    assert adjusted.owed == shop.owed("A") == 3 * ONE
    assert undo(shop.desk, adjusted.movement.id, "it was not").owed == 3 * ONE


def test_nothing_is_received_at_a_moment_more_than_a_day_ahead(shop: Shop) -> None:
    shop.items("A")
    now = shop.clock.now()
    with pytest.raises(Refused, match="has not come yet, so nothing has come in then") as refused:
        shop.receive(("A", 5), ("A", 2), received_at=now + timedelta(days=1, seconds=1))
    assert f"{now + timedelta(days=1):%Y-%m-%d %H:%M}Z" in str(refused.value)
    assert shop.find(Unit) == []
    shop.receive(("A", 5), received_at=now + timedelta(days=1))
    assert shop.on_hand("A") == 5 * ONE
