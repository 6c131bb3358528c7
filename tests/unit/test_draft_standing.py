"""What a draft books of goods that come back, were counted before, or are only owed."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stockhook.allocation import Plan, Pool
from stockhook.draft import Cause, Draft
from stockhook.model import NEW, Binding, Count, How, MovementKind, OrderState, Part, Pick, Shortage, Stock, Take, Unit
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START

LINE = make.line(number=1, code="A")
BINDING = Binding("A", How.PLAIN, (Part("A", ONE),))
LATER = START + timedelta(hours=1)


def draft(*takes: Take, shortages: tuple[Shortage, ...] = ()) -> Draft:
    kept = OrderState(make.order(), (LINE,), takes, shortages)
    return Draft(kept, Cause(LATER, "worker", 7), itertools.count(NEW))


def take(number: int, quantity: int, unit_id: int = 1, **more: Any) -> Take:
    return Take(number, unit_id, 1, "A", quantity * ONE, quantity * ONE, **more)


def unit(number: int, quantity: int = 0, **fields: Any) -> Unit:
    return make.unit("A", quantity * ONE, id=number, **{"lot": "L1", **fields})


def pool(*units: Unit, counts: tuple[Count, ...] = ()) -> Pool:
    return Pool(Stock(units, counts=counts))


def moved(made: Draft) -> list[tuple[MovementKind, int, int, int | None]]:
    return [(each.kind, each.unit_id, each.quantity // ONE, each.reverses) for each in made.movements]


class TestReturns:
    @given(quantities=st.lists(st.integers(1, 4), max_size=5), parts=st.lists(st.integers(0, 6), max_size=4))
    def test_what_comes_back_names_what_was_taken_last_and_is_never_more(
        self, quantities: list[int], parts: list[int]
    ) -> None:
        shelf = pool(*(unit(number) for number in range(1, 6)))
        made = draft(*(take(number, quantity, number) for number, quantity in enumerate(quantities, start=1)))
        back = sum(made.take_back(LINE, "A", part * ONE, shelf, to=None, reason="r") for part in parts)
        assert back == min(sum(parts), sum(quantities)) * ONE == made.returned(LINE, "A")
        assert made.consumed(LINE, "A") == sum(quantities) * ONE
        assert all(0 <= one.returned <= one.remaining for one in made.takes)
        assert {kind for kind, *_ in moved(made)} <= {MovementKind.RETURN}
        assert all(number == unit_id for _, unit_id, _, number in moved(made))
        named = [number or 0 for *_, number in moved(made)]
        assert named == sorted(named, reverse=True)

    def test_what_came_back_is_not_reversed_as_well(self) -> None:
        shelf = pool(unit(1))
        made = draft(take(1, 5))
        made.take_back(LINE, "A", 2 * ONE, shelf, to=None, reason="r")
        assert made.reverse(LINE, "A", 9 * ONE, shelf, "r") == 3 * ONE
        assert made.consumed(LINE, "A") == 2 * ONE

    def test_elsewhere_it_is_a_unit_like_the_one_it_came_from_once_for_each(self) -> None:
        held = unit(1, held=True, unit_cost=3 * ONE, priority=4, expires_on=START.date())
        shelf = pool(held, unit(2, 7, location="MAIN/BACK"))
        made = draft(take(1, 5))
        for _ in range(2):
            made.take_back(LINE, "A", ONE, shelf, to="MAIN/BACK", reason="r")
        (new,) = made.units
        assert new == replace(
            held, id=new.id, location="MAIN/BACK", quantity=0, received=ONE, reference="returned from unit 1"
        )
        assert [unit_id for _, unit_id, *_ in moved(made)] == [new.id, new.id]
        later = draft(take(1, 5, returned=2 * ONE))
        later.take_back(LINE, "A", ONE, pool(held, replace(new, id=9, quantity=2 * ONE)), to="MAIN/BACK", reason="r")
        assert (later.units, [unit_id for _, unit_id, *_ in moved(later)]) == ([], [9])

    def test_what_lay_there_already_goes_back_to_its_unit(self) -> None:
        made = draft(take(1, 5))
        made.take_back(LINE, "A", ONE, pool(unit(1, location="MAIN/BACK")), to="MAIN/BACK", reason="r")
        assert (made.units, [unit_id for _, unit_id, *_ in moved(made)]) == ([], [1])

    def test_a_piece_that_a_person_has_booked_in_already_is_not_there_twice(self) -> None:
        made = draft(take(1, 1), take(2, 1, 2))
        shelf = pool(unit(1, serial="S1"), unit(2, serial="S2"), unit(3, 1, serial="s2 "))
        assert made.take_back(LINE, "A", 2 * ONE, shelf, to=None, reason="r") == ONE
        assert moved(made) == [(MovementKind.RETURN, 1, 1, 1)]


class TestCounted:
    WHOLE = Count("A", "MAIN/FG", 0, LATER)

    def consumed(self, shelf: Pool, *, moment: timedelta = timedelta()) -> Draft:
        made = draft()
        made.consume(
            LINE, BINDING, 2 * ONE, "A", Plan((Pick(1, 2 * ONE, "first"),), 2 * ONE, frozenset(), make.trace())
        )
        shelf.move(1, -2 * ONE)
        made.already_counted(LINE, shelf, START + moment)
        made.already_counted(LINE, shelf, START + moment)
        return made

    def test_what_is_taken_from_a_unit_counted_since_is_made_up_for_once(self) -> None:
        shelf = pool(unit(1, 2), counts=(Count("A", "", 1, LATER),))
        made = self.consumed(shelf)
        (taken,) = made.takes
        kinds = [(MovementKind.CONSUMPTION, 1, -2, None), (MovementKind.COUNT, 1, 2, taken.movement_id)]
        assert moved(made) == kinds
        assert taken.counted == 2 * ONE
        kept = shelf.unit(1)
        assert kept is not None
        assert kept.quantity == 2 * ONE

    def test_a_count_before_it_shipped_or_of_another_unit_does_nothing(self) -> None:
        assert len(self.consumed(pool(unit(1, 2), counts=(Count("A", "", 2, LATER),))).movements) == 1
        counts = (Count("A", unit(1).location, 0, LATER),)
        assert len(self.consumed(pool(unit(1, 2), counts=counts)).movements) == 2
        assert len(self.consumed(pool(unit(1, 2), counts=counts), moment=timedelta(hours=1)).movements) == 1

    def test_what_was_booked_before_is_left_as_it_is(self) -> None:
        made = draft(take(1, 2))
        made.already_counted(LINE, pool(unit(1), counts=(Count("A", "", 1, LATER),)), START)
        assert made.movements == []

    def test_a_reversal_of_what_was_made_up_for_leaves_the_counted_quantity(self) -> None:
        shelf = pool(unit(1, 5))
        made = draft(take(1, 4, counted=4 * ONE))
        assert made.reverse(LINE, "A", 3 * ONE, shelf, "not-shipped") == 3 * ONE
        assert moved(made) == [(MovementKind.REVERSAL, 1, 3, 1), (MovementKind.COUNT, 1, -3, 1)]
        assert (made.takes[0].remaining, made.takes[0].counted) == (ONE, ONE)
        kept = shelf.unit(1)
        assert kept is not None
        assert kept.quantity == 5 * ONE

    def test_what_was_owed_is_closed_as_counted(self) -> None:
        made = draft(shortages=(Shortage(1, make.ACCOUNT, "DEMO-1", 1, "A", 5 * ONE, 5 * ONE, START),))
        made.close_counted(LINE, "A", 3 * ONE)
        (row,) = made.changed_rows.values()
        assert (row.open, row.counted) == (2 * ONE, 3 * ONE)


class TestSuspense:
    def test_what_is_owed_is_on_one_unit_of_the_item_and_is_not_consumed(self) -> None:
        shelf = pool(unit(1, 2))
        made = draft()
        made.suspend(LINE, "A", 3 * ONE, shelf)
        made.suspend(LINE, "A", ONE, shelf)
        (new,) = made.units
        assert (new.suspense, new.location, new.quantity) == (True, "", 0)
        assert [(kind, unit_id) for kind, unit_id, *_ in moved(made)] == [(MovementKind.CONSUMPTION, new.id)] * 2
        assert {movement.allocation_id for movement in made.movements} == {None}
        assert made.consumed(LINE, "A") == 0
        assert made.reverse(LINE, "A", 9 * ONE, shelf, "r") == 0
        assert made.take_back(LINE, "A", 9 * ONE, shelf, to=None, reason="r") == 0
        assert shelf.shelf("A", ()).tiers[0].keys() == {1}

    def test_it_is_taken_off_last_booked_first_and_no_more_than_is_there(self) -> None:
        made = draft(take(1, 3, 8, suspense=True), take(2, 2, 8, suspense=True, counted=ONE))
        made.release(LINE, "A", 3 * ONE)
        assert moved(made) == [(MovementKind.REVERSAL, 8, 1, 2), (MovementKind.REVERSAL, 8, 2, 1)]
        assert sum(one.suspended for one in made.takes) == ONE
