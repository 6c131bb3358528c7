import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stockhook.allocation import Plan, Pool
from stockhook.draft import Cause, Draft
from stockhook.model import NEW, Binding, How, MovementKind, OrderState, Part, Pick, Stock, Take, Wait, WaitKind
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START

LINE = make.line(number=1, code="A")
OTHER = make.line(number=2, code="A")
BINDING = Binding("A", How.PLAIN, (Part("A", ONE),))


def draft(*takes: Take, **state: object) -> Draft:
    kept = OrderState(make.order(), (LINE, OTHER), takes)
    return Draft(replace(kept, **state), Cause(START, "worker", 7), itertools.count(NEW))  # type: ignore[arg-type]


def take(number: int, quantity: int, line: int = 1, unit_id: int = 1) -> Take:
    return Take(number, unit_id, line, "A", quantity * ONE, quantity * ONE)


def test_a_plan_is_booked_with_its_decision_and_binds_the_line() -> None:
    made = draft()
    made.consume(
        LINE, BINDING, 3 * ONE, "A", Plan((Pick(4, ONE, "oldest"), Pick(5, ONE, "next")), 2 * ONE, make.trace())
    )
    (allocation,) = made.allocations
    assert (allocation.need, allocation.taken, allocation.event_id) == (3 * ONE, 2 * ONE, 7)
    assert [(move.unit_id, move.quantity, move.kind) for move in made.movements] == [
        (4, -ONE, MovementKind.CONSUMPTION),
        (5, -ONE, MovementKind.CONSUMPTION),
    ]
    assert {move.allocation_id for move in made.movements} == {allocation.id}
    assert made.consumed(LINE, "A") == 2 * ONE
    assert made.bound == {1: BINDING}
    assert made.skus == {"A"}
    ids = [allocation.id, *(move.id for move in made.movements)]
    assert len(set(ids)) == 3
    assert min(ids) >= NEW


@given(quantities=st.lists(st.integers(1, 4), max_size=5), most=st.integers(0, 12))
def test_giving_back_is_last_taken_first_and_never_more_than_was_taken(quantities: list[int], most: int) -> None:
    takes = [take(number, quantity, unit_id=number) for number, quantity in enumerate(quantities, start=1)]
    pool = Pool(Stock(tuple(make.unit("A", 0, id=number) for number in range(1, 6))))
    made = draft(*takes)
    back = made.reverse(LINE, "A", most * ONE, pool, "not-shipped")
    assert back == min(most, sum(quantities)) * ONE
    assert made.consumed(LINE, "A") == sum(quantities) * ONE - back
    assert all(0 <= one.remaining <= one.quantity for one in made.takes)
    numbers = [move.reverses for move in made.movements]
    assert numbers == sorted(numbers, key=lambda number: -(number or 0))
    assert all(move.kind is MovementKind.REVERSAL and move.quantity > 0 for move in made.movements)


def test_a_line_gives_back_its_own_alone() -> None:
    made = draft(take(1, 2), take(2, 5, line=2))
    assert made.reverse(LINE, "A", 9 * ONE, Pool(Stock()), "r") == 2 * ONE
    assert made.consumed(OTHER, "A") == 5 * ONE


def test_what_is_asked_of_a_line_looks_at_its_own_takes_alone() -> None:
    number = 200
    lines = [make.line(number=each, code="A") for each in range(1, number + 1)]
    looked = 0

    class Watched(list[Take]):
        def __getitem__(self, index: Any) -> Any:
            nonlocal looked
            looked += 1
            return super().__getitem__(index)

        def __iter__(self) -> Iterator[Take]:
            nonlocal looked
            looked += len(self)
            return super().__iter__()

    made = draft(*(take(each, 1, line=each) for each in range(1, number + 1)), lines=tuple(lines))
    made.takes = Watched(made.takes)
    pool = Pool(Stock((make.unit("A", 0, id=1),)))
    for line in lines:
        assert (made.consumed(line, "A"), made.returned(line, "A")) == (ONE, 0)
        assert made.applied(line, "A", owed=True) == ONE
        made.already_counted(line, pool, START)
        assert made.reverse(line, "A", ONE, pool, "r") == ONE
    assert looked <= 10 * number


def test_what_is_applied_is_booked_or_closed_without_goods_and_owed_if_asked_for() -> None:
    row = make.shortage(id=1, line=1, sku="A", quantity=9 * ONE, open=4 * ONE, waived=2 * ONE, counted=ONE)
    made = draft(take(1, 5), take(2, 7, line=2), shortages=(row, replace(row, id=2, line=2)))
    assert made.applied(LINE, "A", owed=False) == 8 * ONE
    assert made.applied(LINE, "A", owed=True) == 12 * ONE
    assert made.applied(LINE, "B", owed=True) == 0


def test_what_an_order_waited_for_before_is_known() -> None:
    made = draft(waits=(Wait(make.ACCOUNT, "DEMO-1", WaitKind.CODE, "new"),))
    assert made.waited(WaitKind.CODE, "new")
    assert not made.waited(WaitKind.ITEM, "new")
    made.wait(WaitKind.CODE, "new")
    made.wait(WaitKind.CODE, "new")
    assert len(made.waits) == 1


def test_shortages_change_within_one_draft() -> None:
    made = draft()
    made.owe(LINE, "A", owed=3 * ONE, settled=0)
    made.owe(LINE, "A", owed=ONE, settled=ONE)
    (row,) = made.changed_rows.values()
    assert (row.quantity, row.open, row.settled, row.withdrawn) == (3 * ONE, ONE, ONE, ONE)
    assert made.shortages(OTHER, "A") == []


def test_a_problem_of_a_line_is_named_by_its_present_index() -> None:
    made = draft()
    made.stands("regression", replace(LINE, item_index=4), "too much")
    made.stands("linked-order", None, "look")
    assert [(one.kind, one.subject, one.text) for one in made.standing] == [
        ("regression", "ultracart:DEMO/DEMO-1/4", "order DEMO-1: too much"),
        ("linked-order", "ultracart:DEMO/DEMO-1", "order DEMO-1: look"),
    ]
