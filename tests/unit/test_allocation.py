from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.allocation import Limits, Pool, allocate
from stockhook.errors import BadPlan
from stockhook.model import Count, Location, Need, Offer, Pick, Stock, Unit
from stockhook.quantity import ONE
from stockhook.steps import Attempt, Method
from stockhook.strategy import method
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.strategies.received import Fifo

ANY = Limits("any location")
FIFO = method(Fifo(Fifo.Options()))
LAST = date(2027, 3, 31)


def unit(number: int, quantity: int = 10, **fields: Any) -> Unit:
    plain = {"id": number, "lot": None, "received_at": START + timedelta(hours=number)}
    return make.unit("A", quantity * ONE, **{**plain, **fields})


def pool(*units: Unit, places: Sequence[Location] = ()) -> Pool:
    return Pool(Stock(units, {place.path: place for place in places}, {"A": 1}))


def need(quantity: int = 5, **fields: Any) -> Need:
    return Need("A", quantity * ONE, **fields)


def planned(plan: Callable[..., Any]) -> Method:
    return Method("odd", "1", {}, (Attempt("odd", "1", plan),))


def available(shelf: Pool) -> dict[int, int]:
    """What a strategy is offered now, in whole units."""
    seen: dict[int, int] = {}

    def look(need: Need, units: Sequence[Offer]) -> list[Pick]:
        seen.update({offer.id: offer.available // ONE for offer in units})
        return []

    allocate(need(1), ANY, shelf, planned(look))
    return seen


def test_units_are_offered_in_id_order_and_with_what_is_left_of_them() -> None:
    shelf = pool(unit(3), unit(1), unit(2, 0))
    allocate(need(4), ANY, shelf, FIFO)
    assert list(available(shelf).items()) == [(1, 6), (3, 10)]


def test_a_unit_received_in_the_middle_is_offered_in_its_place() -> None:
    shelf = pool(unit(1), unit(9))
    shelf.add(unit(5))
    assert list(available(shelf)) == [1, 5, 9]


@pytest.mark.parametrize(
    ("only", "limits", "asked", "why"),
    [
        (unit(1, location="WEST/A"), Limits("r", ("MAIN",)), {}, "outside the locations"),
        (unit(1, location="MAINLAND"), Limits("r", ("MAIN",)), {}, "outside the locations"),
        (unit(1, location="MAIN/QA"), ANY, {}, "location not pickable"),
        (unit(1, held=True), ANY, {}, "held"),
        (unit(1, expires_on=LAST), ANY, {"ship_date": LAST + timedelta(days=1)}, "expired on the ship date"),
        (unit(1, expires_on=LAST), Limits("r", (), 0, False), {"ship_date": LAST}, "expired on the ship date"),
        (
            unit(1, expires_on=LAST),
            Limits("r", (), 30),
            {"ship_date": LAST - timedelta(days=29)},
            "good for less than 30 days",
        ),
        (unit(1, lot="L1"), ANY, {"lots": ("L2",)}, "not of the lot named"),
        (unit(1, lot=None), ANY, {"lots": ("L2",)}, "not of the lot named"),
        (unit(1, 1, serial="S1"), ANY, {"serials": ("S2",)}, "not of the serial number named"),
        (
            unit(1, 1, lot="L1", serial="S1"),
            ANY,
            {"lots": ("L1",), "serials": ("S2",)},
            "not of the serial number named",
        ),
    ],
)
def test_what_is_not_eligible_is_not_offered_and_counted(
    only: Unit, limits: Limits, asked: dict[str, Any], why: str
) -> None:
    shelf = pool(only, places=[Location("MAIN/QA", pickable=False)])
    plan = allocate(need(**asked), limits, shelf, FIFO)
    assert (plan.taken, plan.trace.offered, dict(plan.trace.left_out)) == (0, 0, {why: 1})


@pytest.mark.parametrize(
    ("limits", "ships"),
    [
        (ANY, LAST),
        (Limits("r", (), 30), LAST - timedelta(days=30)),
        (Limits("r", (), 0, False), LAST - timedelta(days=1)),
        (Limits("r", (), 30, False), LAST - timedelta(days=31)),
        (Limits("r", (), 36_500), None),
        (ANY, date.max),
    ],
)
def test_a_unit_is_good_through_its_last_day_less_the_shelf_life_asked_for(limits: Limits, ships: date | None) -> None:
    expires = None if ships == date.max else LAST
    assert allocate(need(5, ship_date=ships), limits, pool(unit(1, expires_on=expires)), FIFO).taken == 5 * ONE


def test_what_is_owed_is_no_goods_and_never_offered() -> None:
    assert allocate(need(), ANY, pool(unit(1, suspense=True)), FIFO).trace.offered == 0


def test_lots_and_serial_numbers_compare_without_case_and_blanks() -> None:
    asked = need(1, lots=(" l1 ",), serials=("s-1", "S-2"))
    assert allocate(asked, ANY, pool(unit(1, 1, lot="L1", serial="S-1")), FIFO).taken == ONE


def test_tiers_come_one_after_the_other_whatever_is_older_in_a_later_one() -> None:
    shelf = pool(unit(1, 3, location="WEST"), unit(2, 2, location="MAIN/FG/A"), unit(3, 9, location="WEST/B"))
    plan = allocate(need(6), Limits("r", ("MAIN/FG", "WEST")), shelf, FIFO)
    assert [(pick.unit_id, pick.quantity // ONE) for pick in plan.picks] == [(2, 2), (1, 3), (3, 1)]


def test_the_trace_tells_what_was_taken_and_what_would_have_been_next() -> None:
    plan = allocate(need(12), ANY, pool(*(unit(number) for number in range(1, 9))), FIFO)
    assert [(one.unit_id, one.taken // ONE) for one in plan.trace.taken] == [(1, 10), (2, 2)]
    assert [one.unit_id for one in plan.trace.passed_over] == [3, 4, 5, 6, 7]
    assert (plan.trace.strategy, plan.trace.version, plan.trace.offered) == ("fifo", "1", 8)


class Raising:
    def __call__(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        raise ZeroDivisionError("oops")


LIES: dict[str, Callable[[Need, Sequence[Offer]], Any]] = {
    "took 11 from unit 1, which has 10": lambda need, units: [Pick(1, 11 * ONE, "")],
    "took from unit 99, which was not offered": lambda need, units: [Pick(99, ONE, "")],
    "named unit 1 twice": lambda need, units: [Pick(1, ONE, ""), Pick(1, ONE, "")],
    "named unit 2 twice": lambda need, units: [Pick(2, 0, ""), Pick(2, ONE, "")],
    "took -1 from unit 1": lambda need, units: [Pick(1, -ONE, "")],
    "where a Pick with a whole number of millionths was expected": lambda need, units: [Pick(1, 0.5, "")],  # type: ignore[arg-type]
    r"Pick\(unit_id=1, quantity=True": lambda need, units: [Pick(1, True, "")],
    r"returned \(1, 1, ''\)": lambda need, units: [(1, 1, "")],
    r"cut the serial unit 3 \(S-1\)": lambda need, units: [Pick(3, ONE // 2, "")],
    "took 15 of A where 12 were needed": lambda need, units: [Pick(1, 10 * ONE, ""), Pick(2, 5 * ONE, "")],
    "raised ZeroDivisionError: oops": Raising(),
    "raised TypeError": lambda need, units: None,
    "raised AttributeError": lambda need, units: [need.nonsense],  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("words", LIES)
def test_a_plan_that_lies_is_refused_by_name_and_takes_nothing(words: str) -> None:
    shelf = pool(unit(1), unit(2), unit(3, 1, serial="S-1"))
    before = available(shelf)
    with pytest.raises(BadPlan, match=words) as raised:
        allocate(need(12), ANY, shelf, planned(LIES[words]))
    assert raised.value.strategy == "odd"
    assert available(shelf) == before


@pytest.mark.parametrize("pick", [Pick([], ONE, ""), Pick(1.0, ONE, ""), Pick(1, ONE, None)])  # type: ignore[arg-type]
def test_a_pick_is_made_of_what_it_says_it_is(pick: Pick) -> None:
    with pytest.raises(BadPlan, match="where a Pick"):
        allocate(need(), ANY, pool(unit(1)), planned(lambda need, units: [pick]))


def test_a_lie_in_a_later_tier_gives_back_what_the_earlier_ones_took() -> None:
    def plan(need: Need, units: Sequence[Offer]) -> list[Pick]:
        return [Pick(units[0].id, units[0].available + (units[0].id == 2), "")]

    shelf = pool(unit(1, 2, location="MAIN"), unit(2, 2, location="WEST"))
    with pytest.raises(BadPlan):
        allocate(need(4), Limits("r", ("MAIN", "WEST")), shelf, planned(plan))
    assert available(shelf) == {1: 2, 2: 2}


def test_a_strategy_may_take_less_than_there_is() -> None:
    plan = allocate(need(5), ANY, pool(unit(1)), planned(lambda need, units: [Pick(1, ONE, "enough")]))
    assert plan.taken == ONE


@given(
    quantities=st.lists(st.integers(0, 6), max_size=6),
    moves=st.lists(st.tuples(st.integers(1, 7), st.integers(-3, 3)), max_size=10),
    cut=st.integers(0, 10),
)
def test_a_rollback_leaves_the_pool_as_it_was_at_the_mark(
    quantities: list[int], moves: list[tuple[int, int]], cut: int
) -> None:
    emptied = {7: (unit(7, 0), None)}
    stock = Stock(tuple(unit(number, quantity) for number, quantity in enumerate(quantities, start=1)))
    shelf = Pool(stock, emptied.get)
    for number, quantity in moves[:cut]:
        shelf.move(number, quantity * ONE)
    mark, before = shelf.mark(), available(shelf)
    for number, quantity in moves[cut:]:
        shelf.move(number, quantity * ONE)
        available(shelf)
    shelf.rollback(mark)
    assert available(shelf) == before


def test_units_added_or_changed_since_the_mark_are_rolled_back_with_what_was_taken_of_them() -> None:
    shelf = pool(unit(1, 5), unit(2, 3))
    shelf.move(1, -ONE)
    mark, before = shelf.mark(), shelf.units("A")
    shelf.add(unit(3, 9), Location("MAIN/NEW"))
    shelf.move(3, -ONE)
    shelf.add(replace(unit(1, 4), held=True))
    shelf.add(replace(unit(2, 3), sku="B"))
    shelf.add(replace(unit(4, 0), suspense=True))
    assert available(shelf) == {3: 8}
    shelf.rollback(mark)
    assert shelf.units("A") == before
    assert (available(shelf), shelf.units("B"), shelf.suspense("A")) == ({1: 4, 2: 3}, [], None)
    assert shelf.unit(3) is None


@given(quantities=st.lists(st.integers(1, 6), max_size=6), wanted=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_all_that_there_is_is_taken_once_and_never_more(quantities: list[int], wanted: list[int]) -> None:
    shelf = pool(*(unit(number, quantity) for number, quantity in enumerate(quantities, start=1)))
    plans = [allocate(need(quantity), ANY, shelf, FIFO) for quantity in wanted]
    assert sum(plan.taken for plan in plans) == min(sum(wanted), sum(quantities)) * ONE
    taken: dict[int, int] = {}
    for pick in (pick for plan in plans for pick in plan.picks):
        taken[pick.unit_id] = taken.get(pick.unit_id, 0) + pick.quantity
    assert all(taken[number] <= quantities[number - 1] * ONE for number in taken)


def test_goods_given_back_to_a_unit_that_was_emptied_are_offered_where_it_lies() -> None:
    gone = replace(unit(4, 0), location="MAIN/QA")
    shelf = Pool(Stock((unit(9),)), {4: (gone, Location("MAIN/QA", pickable=False)), 5: (unit(5, 0), None)}.get)
    shelf.move(4, ONE)
    shelf.move(5, ONE)
    shelf.move(6, ONE)
    assert list(available(shelf).items()) == [(5, 1), (9, 10)]


class TestCounts:
    def test_the_newest_count_of_a_place_takes_the_place_of_the_one_before(self) -> None:
        shelf = pool(unit(1))
        shelf.note(Count("A", "MAIN", 0, START + timedelta(hours=2)))
        assert shelf.shelf_counted("a", (), START)
        shelf.note(Count("A", "MAIN", 0, START))
        assert not shelf.shelf_counted("A", (), START)

    def test_counts_of_many_units_are_told_apart_without_a_look_at_each_other(self) -> None:
        number, looked = 1000, 0

        class Watched(str):
            __slots__ = ()

            def __eq__(self, other: object) -> bool:
                nonlocal looked
                looked += 1
                return str.__eq__(self, other)

            __hash__ = str.__hash__

        units = tuple(unit(each) for each in range(1, number + 1))
        shelf = pool(*units)
        for each in units:
            shelf.note(Count("A", Watched(each.location), each.id, START + timedelta(hours=1)))
            shelf.add(replace(each, held=True))
        assert all(shelf.unit_counted(each.id, START) for each in units)
        assert not shelf.shelf_counted("A", (), START)
        assert looked <= number

    @pytest.mark.parametrize(
        ("locations", "counted"), [((), True), (("MAIN",), True), (("MAIN/FG",), True), (("WEST",), False)]
    )
    def test_a_shelf_counts_where_it_may_be_taken_from(self, locations: tuple[str, ...], *, counted: bool) -> None:
        shelf = pool()
        shelf.note(Count("A", "MAIN/FG", 0, START + timedelta(hours=1)))
        assert shelf.shelf_counted("A", locations, START) is counted
        assert not shelf.shelf_counted("B", locations, START)
        shelf.know([Location("MAIN/FG", pickable=False)])
        assert not shelf.shelf_counted("A", locations, START)

    def test_a_count_of_one_unit_says_nothing_of_the_shelf(self) -> None:
        shelf = pool(unit(1), unit(2))
        shelf.note(Count("A", unit(1).location, 1, START + timedelta(hours=1)))
        assert not shelf.shelf_counted("A", (), START)
        assert [shelf.unit_counted(number, START) for number in (1, 2, 9)] == [True, False, False]


def test_a_place_that_is_not_picked_from_is_known_before_anything_lies_there() -> None:
    shelf = pool()
    shelf.know([Location("MAIN/BACK", pickable=False)])
    shelf.add(unit(1, location="MAIN/BACK"))
    assert shelf.shelf("A", ()).tiers == [{}]


def test_a_suspense_unit_is_found_and_never_offered() -> None:
    shelf = pool(unit(1), unit(2, -3, location="", suspense=True))
    found = shelf.suspense("a")
    assert found is not None
    assert found.id == 2
    assert shelf.shelf("A", ()).tiers[0].keys() == {1}
    assert pool(unit(1)).suspense("A") is None
