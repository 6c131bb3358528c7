"""A count says what is on the shelf: the book follows it, and what was owed from there is over (strategies.md 5)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from asked import finds
from hypothesis import given, settings
from hypothesis import strategies as st

from stockhook.errors import Refused
from stockhook.model import Audit, Count, EventState, Item, Location, Movement, MovementKind, Shortage, Unit, Wait
from stockhook.operations.locations import change
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.counts import Counts, count
from stockhook.operations.stock.endings import read
from stockhook.operations.stock.holds import hold
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
LATER = timedelta(minutes=1)


def new_shop(policy: ShortagePolicy = ShortagePolicy.PARTIAL, locations: tuple[str, ...] = ()) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    rules = ChannelRules("shop", on_shortage=policy, locations=locations)
    shop = Shop(store, channel, Fifo(Fifo.Options()), rules=rules)
    with store.write() as work:
        work.save([Location("MAIN"), Location("BACK"), Location("MAIN/A-01"), Item("A"), Item("B")])
    return shop


@pytest.fixture
def shop() -> Shop:
    return new_shop()


def ship(shop: Shop, order_id: str, quantity: int, shipped: str = DAY1, sku: str = "A") -> None:
    shop.send(envelope(order_ship(order_id, [line(sku, quantity, shipped=shipped)])))


def counted(shop: Shop, quantity: int, location: str = "MAIN", at: datetime | None = None) -> Counts:
    shop.clock.advance(LATER)
    return count(shop.desk, [Tally(quantity * ONE, sku="a", location=location)], at)


def sound(shop: Shop) -> bool:
    return [check for check in verify(shop.desk) if not check.ok] == []


def quantities(shop: Shop) -> list[int]:
    return [unit.quantity // ONE for unit in reversed(shop.find(Unit))]


class TestTheBookFollows:
    def test_one_unit(self, shop: Shop) -> None:
        shop.stock(A=5)
        done = count(shop.desk, [Tally(7 * ONE, unit_id=1)]).counted[0]
        assert (done.expected, done.quantity, shop.on_hand("A")) == (5 * ONE, 7 * ONE, 7 * ONE)
        movement = shop.find(Movement)[0]
        assert (movement.kind, movement.quantity, movement.reference) == (MovementKind.COUNT, 2 * ONE, "unit 1")
        assert shop.find(Count) == [Count("A", "MAIN", 1, shop.clock.now())]
        assert sound(shop)

    def test_a_count_that_agrees_is_in_the_history_too(self, shop: Shop) -> None:
        shop.stock(A=5)
        done = counted(shop, 5).counted[0]
        assert [(each.movement.quantity, each.movement.balance_after) for each in done.units] == [(0, 5 * ONE)]
        audit = shop.find(Audit)[0]
        assert (audit.action, audit.subject, audit.details["expected"]) == ("stock count", "A at MAIN", "5")

    def test_what_is_missing_is_taken_from_the_oldest_receipt_first_and_held_goods_last(self, shop: Shop) -> None:
        for quantity in (2, 3, 4):
            shop.clock.advance(LATER)
            shop.receive(("A", quantity))
        hold(shop.desk, "smells", unit_id=1)
        counted(shop, 5)
        assert quantities(shop) == [2, 0, 3]

    def test_what_is_more_is_put_to_the_newest_receipt_there(self, shop: Shop) -> None:
        for quantity, place in ((2, "MAIN"), (3, "MAIN"), (4, "BACK")):
            shop.clock.advance(LATER)
            shop.receive(("A", quantity), location=place)
        counted(shop, 9)
        assert quantities(shop) == [2, 7, 4]

    def test_an_emptied_unit_is_filled_again_and_where_none_was_one_is_made(self, shop: Shop) -> None:
        shop.stock(A=2)
        ship(shop, "D-1", 2)
        assert counted(shop, 1).counted[0].units[0].unit.id == 1
        done = counted(shop, 4, "BACK").counted[0]
        unit = done.units[0].unit
        assert (unit.id, unit.location, unit.quantity, unit.received, unit.lot) == (2, "BACK", 4 * ONE, 4 * ONE, None)
        assert sound(shop)

    @pytest.mark.parametrize("sku", ["A", "S"])
    def test_nothing_counted_where_nothing_ever_was_is_remembered_and_can_be_taken_back(
        self, shop: Shop, sku: str
    ) -> None:
        with shop.store.write() as work:
            work.save([Item("S", serial=True)])
        ship(shop, "D-1", 3, sku=sku)
        shop.clock.advance(LATER)
        done = count(shop.desk, [Tally(0, sku=sku, location="BACK")])
        (one,) = done.counted[0].units
        assert (one.movement.quantity, one.unit.quantity, done.ended, shop.owed(sku)) == (0, 0, 3 * ONE, 0)
        assert [each.at for each in shop.find(Count)] == [shop.clock.now()]
        shop.clock.advance(LATER)
        undo(shop.desk, one.movement.id, "looked in the wrong place")
        assert shop.owed(sku) == 3 * ONE
        assert sound(shop)

    def test_several_counts_are_all_booked_or_none(self, shop: Shop) -> None:
        shop.stock(A=5, B=5)
        good = Tally(ONE, sku="A", location="MAIN", where="c.csv line 2: ")
        bad = [
            Tally(ONE, sku="X", location="MAIN", where="c.csv line 3: "),
            Tally(-ONE, unit_id=2, where="c.csv line 4: "),
            Tally(ONE, unit_id=1, where="c.csv line 5: "),
            Tally(ONE, unit_id=9, where="c.csv line 6: "),
        ]
        with pytest.raises(Refused) as raised:
            count(shop.desk, [good, *bad])
        said = str(raised.value).splitlines()
        assert [words[:14] for words in said] == [f"c.csv line {n}: " for n in (3, 4, 5, 6)]
        assert "unit 1 is counted twice, also on c.csv line 2" in said[2]
        assert shop.on_hand("A") == 5 * ONE
        count(shop.desk, [good, Tally(2 * ONE, unit_id=2)])
        assert (shop.on_hand("A"), shop.on_hand("B")) == (ONE, 2 * ONE)

    def test_goods_below_a_location_are_counted_where_they_lie(self, shop: Shop) -> None:
        shop.receive(("A", 2), location="MAIN/A-01")
        with pytest.raises(Refused, match=r"A lies below MAIN, not at it: .* \(MAIN/A-01\)"):
            counted(shop, 2)

    @given(
        received=st.lists(st.integers(1, 5), max_size=4),
        found=st.integers(0, 25),
        taken=st.integers(0, 6),
        again=st.integers(0, 9),
    )
    @settings(max_examples=25, deadline=None)
    def test_whatever_is_counted_is_there_and_every_promise_holds(
        self, received: list[int], found: int, taken: int, again: int
    ) -> None:
        shop = new_shop()
        for quantity in received:
            shop.clock.advance(LATER)
            shop.receive(("A", quantity))
        if taken:
            ship(shop, "D-1", taken)
        for quantity in (found, again):
            counted(shop, quantity)
            assert shop.on_hand("A") == quantity * ONE
            assert shop.owed("A") == 0
        assert sound(shop)


class TestAtAMomentPast:
    def test_what_left_and_came_since_is_added(self, shop: Shop) -> None:
        shop.receive(("A", 10), received_at=NINE - timedelta(days=9))
        shop.clock.advance(timedelta(hours=1))
        shop.receive(("A", 4))
        ship(shop, "D-1", 3, shipped="2026-12-01T09:30:00Z")
        adjust(shop.desk, 1, -ONE, "damaged")
        done = counted(shop, 8, at=NINE + LATER).counted[0]
        assert (done.expected, done.quantity, shop.on_hand("A")) == (10 * ONE, 8 * ONE, 8 * ONE)
        assert sound(shop)

    def test_what_was_booked_late_had_moved_by_then(self, shop: Shop) -> None:
        shop.receive(("A", 10), received_at=NINE - timedelta(days=9))
        shop.clock.advance(timedelta(hours=1))
        shop.receive(("A", 4), received_at=NINE - timedelta(hours=2))
        ship(shop, "D-1", 3, shipped="2026-12-01T08:30:00Z")
        done = counted(shop, 11, at=NINE + LATER).counted[0]
        assert (done.expected, done.quantity, shop.on_hand("A")) == (11 * ONE, 11 * ONE, 11 * ONE)

    def test_what_was_undone_since_speaks_of_the_moment_it_was_done(self, shop: Shop) -> None:
        shop.receive(("A", 10), received_at=NINE - timedelta(days=9))
        lost = adjust(shop.desk, 1, -2 * ONE, "lost").movement
        shop.clock.advance(timedelta(hours=1))
        undo(shop.desk, lost.id, "found behind the shelf")
        moved = move(shop.desk, 1, ONE, "BACK")
        shop.clock.advance(LATER)
        undo(shop.desk, moved.out.id, "stayed")
        assert counted(shop, 9, at=NINE + LATER).counted[0].expected == 10 * ONE
        assert shop.on_hand("A") == 9 * ONE

    def test_it_has_come_and_no_later_count_speaks_of_the_same_goods(self, shop: Shop) -> None:
        shop.stock(A=5)
        with pytest.raises(Refused, match="has not come yet"):
            counted(shop, 5, at=NINE + timedelta(days=1))
        counted(shop, 5)
        with pytest.raises(Refused, match=r"A at MAIN was counted for 2026-12-01 09:02:00Z, which is later"):
            counted(shop, 4, at=NINE)
        with pytest.raises(Refused, match="unit 1 was counted for"):
            count(shop.desk, [Tally(ONE, unit_id=1)], NINE)

    def test_what_left_since_cannot_have_been_more_than_was_counted(self, shop: Shop) -> None:
        shop.stock(A=5)
        shop.clock.advance(timedelta(hours=1))
        ship(shop, "D-1", 4, shipped="2026-12-01T09:30:00Z")
        with pytest.raises(Refused, match="3 of A were counted, but 4 have left since then; count again"):
            counted(shop, 3, at=NINE + LATER)


class TestWhatWasOwed:
    def test_case_23_short_3_shelf_counted_4_receipt_10(self, shop: Shop) -> None:
        ship(shop, "D-1", 3)
        assert (shop.owed("A"), shop.states("D-1")) == (3 * ONE, ["parked"])
        done = counted(shop, 4)
        assert (done.ended, [key.order_id for key in done.orders]) == (3 * ONE, ["D-1"])
        assert (shop.owed("A"), shop.problems(), shop.states("D-1")) == (0, set(), ["applied"])
        assert [row.counted for row in shop.find(Shortage)] == [3 * ONE]
        shop.receive(("A", 10))
        assert shop.on_hand("A") == 14 * ONE
        assert sound(shop)

    def test_case_24_shipped_before_the_count_and_worked_after_it(self, shop: Shop) -> None:
        shop.stock(A=7)
        shop.clock.advance(timedelta(hours=2))
        counted(shop, 5)
        ship(shop, "D-1", 2, shipped="2026-12-01T10:00:00Z")
        assert (shop.on_hand("A"), shop.booked("D-1")) == (5 * ONE, {"A": 2 * ONE})
        assert sound(shop)

    def test_the_count_of_one_unit_says_nothing_about_the_rest_and_ends_nothing(self, shop: Shop) -> None:
        shop.stock(A=1)
        ship(shop, "D-1", 3)
        count(shop.desk, [Tally(ONE, unit_id=1)])
        assert shop.owed("A") == 2 * ONE

    def test_lines_that_shipped_since_or_ship_from_elsewhere_are_owed_as_before(self) -> None:
        shop = new_shop(locations=("MAIN",))
        ship(shop, "D-1", 3)
        counted(shop, 1, "BACK")
        assert shop.owed("A") == 3 * ONE
        shop.clock.advance(timedelta(hours=1))
        ship(shop, "D-2", 2, shipped="2026-12-01T10:00:00Z")
        assert counted(shop, 1, "MAIN", at=NINE + timedelta(minutes=30)).ended == 3 * ONE
        assert shop.owed("A") == 2 * ONE
        assert shop.on_hand("A") == 2 * ONE, "a count settles nothing"

    def test_a_location_that_is_not_picked_from_ends_nothing(self, shop: Shop) -> None:
        change(shop.desk, "BACK", pickable=False)
        ship(shop, "D-1", 3)
        assert (counted(shop, 1, "BACK").ended, shop.owed("A")) == (0, 3 * ONE)

    def test_another_item_of_the_same_order_stays_owed(self, shop: Shop) -> None:
        shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1), line("B", 1, shipped=DAY1)])))
        counted(shop, 0)
        assert (shop.owed("A"), shop.owed("B"), shop.states("D-1")) == (0, ONE, ["parked"])

    def test_an_order_that_waits_as_a_whole_waits_no_more(self) -> None:
        shop = new_shop(ShortagePolicy.ORDER)
        shop.stock(A=1)
        ship(shop, "D-1", 3)
        assert len(shop.find(Wait)) == 1
        counted(shop, 4)
        assert (shop.find(Wait), shop.on_hand("A"), shop.states("D-1")) == ([], 4 * ONE, [EventState.APPLIED])
        assert sound(shop)

    def test_under_negative_the_suspense_unit_is_cleared(self) -> None:
        shop = new_shop(ShortagePolicy.NEGATIVE)
        shop.stock(A=2)
        ship(shop, "D-1", 5)
        assert [unit.quantity for unit in shop.find(Unit) if unit.suspense] == [-3 * ONE]
        assert counted(shop, 1).ended == 3 * ONE
        assert [unit.quantity for unit in shop.find(Unit) if unit.suspense] == [0]
        shop.receive(("A", 10))
        assert shop.on_hand("A") == 11 * ONE
        assert sound(shop)

    def test_a_unit_in_suspense_is_no_goods(self) -> None:
        shop = new_shop(ShortagePolicy.NEGATIVE)
        ship(shop, "D-1", 5)
        number = shop.find(Unit)[0].id
        for does in (
            lambda: count(shop.desk, [Tally(ONE, unit_id=number)]),
            lambda: adjust(shop.desk, number, ONE, "found"),
            lambda: move(shop.desk, number, ONE, "BACK"),
            lambda: hold(shop.desk, "smells", unit_id=number),
        ):
            with pytest.raises(Refused, match="is no goods: it stands for what is owed of A"):
                does()

    def test_a_file_of_two_places_tells_once_what_is_owed_no_more(self, shop: Shop) -> None:
        shop.stock(A=5)
        ship(shop, "O1", 8)
        shop.clock.advance(LATER)
        done = count(shop.desk, [Tally(0, sku="A", location=path) for path in ("MAIN", "BACK")])
        assert (done.ended // ONE, len(done.orders)) == (3, 1)
        assert sum(sum(read(audit.details).values()) for audit in shop.find(Audit)) == 3 * ONE
        assert sound(shop)


class TestManyUnitsOfOneItem:
    def test_a_file_asks_the_store_no_more_for_many_units_than_for_few(self) -> None:
        asked: list[Counter[str]] = []
        for number in (3, 300):
            shop = new_shop()
            receive(shop.desk, [Receipt("A", ONE, "MAIN") for _ in range(number)])
            with finds() as seen:
                for ago in (timedelta(), LATER):
                    shop.clock.advance(LATER * 2)
                    tallies = [Tally(2 * ONE, unit_id=each) for each in range(1, number + 1)]
                    done = count(shop.desk, tallies, shop.clock.now() - ago)
            asked.append(seen)
            assert [each.units[0].unit.id for each in done.counted] == list(range(1, number + 1))
            assert {each.units[0].unit.quantity for each in done.counted} == {2 * ONE}
        assert asked[0] == asked[1]


class TestTakingACountBack:
    def test_all_units_of_it_go_back_and_what_it_ended_is_owed_again(self, shop: Shop) -> None:
        shop.stock(A=2)
        ship(shop, "D-1", 5)
        done = counted(shop, 4)
        shop.clock.advance(LATER)
        undo(shop.desk, done.counted[0].units[0].movement.id, "the wrong shelf")
        assert (shop.on_hand("A"), shop.owed("A"), shop.states("D-1")) == (0, 3 * ONE, ["short"])
        assert shop.problems() == {"insufficient-inventory"}
        assert sound(shop)
        shop.receive(("A", 10))
        assert (shop.on_hand("A"), shop.booked("D-1")) == (7 * ONE, {"A": 5 * ONE})
        assert sound(shop)

    def test_what_shipped_before_it_is_taken_again(self, shop: Shop) -> None:
        shop.stock(A=7)
        done = counted(shop, 7)
        undo(shop.desk, done.counted[0].units[0].movement.id, "only looked")
        ship(shop, "D-1", 2)
        assert shop.on_hand("A") == 5 * ONE

    def test_the_count_before_it_holds_again(self, shop: Shop) -> None:
        shop.stock(A=7)
        first = counted(shop, 6).at
        second = counted(shop, 5)
        undo(shop.desk, second.counted[0].units[0].movement.id, "miscounted")
        assert ([kept.at for kept in shop.find(Count)], shop.on_hand("A")) == ([first], 6 * ONE)

    def test_it_is_done_once_and_not_once_it_was_counted_again(self, shop: Shop) -> None:
        shop.stock(A=7)
        first = counted(shop, 6).counted[0].units[0].movement.id
        second = counted(shop, 5).counted[0].units[0].movement.id
        with pytest.raises(Refused, match="A at MAIN was counted again since"):
            undo(shop.desk, first, "miscounted")
        undo(shop.desk, second, "miscounted")
        with pytest.raises(Refused, match="was undone before"):
            undo(shop.desk, second, "miscounted")
