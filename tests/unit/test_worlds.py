from datetime import date, timedelta
from typing import Any

import pytest

from stockhook import worlds
from stockhook.allocation import Plan, allocate
from stockhook.choice import Choices
from stockhook.model import Need
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.strategy import method
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.worlds import Asked, Figures, LineKey, Taken, World
from stockhook_plugins.strategies.received import Fifo

KEY = LineKey("ultracart:DEMO", "D-1", 1, "SOAP")


def line(number: int = 1, policy: ShortagePolicy = ShortagePolicy.PARTIAL, **more: Any) -> Asked:
    shipped = START + timedelta(minutes=number)
    return Asked(KEY._replace(line=number), ChannelRules("shop", on_shortage=policy), first_ship_at=shipped, **more)


def world(*quantities: int, last_day_good: bool = True, **more: Any) -> World:
    made = World(Choices(method(Fifo(Fifo.Options()), last_day_good=last_day_good)))
    for number, quantity in enumerate(quantities, 1):
        received = START + timedelta(hours=number)
        made.put(make.unit(id=number, quantity=quantity * ONE, received_at=received, **more))
    return made


def takes(*pairs: tuple[int, int]) -> list[Taken]:
    return [Taken(unit_id, quantity * ONE) for unit_id, quantity in pairs]


def left(made: World) -> dict[int, int]:
    return {unit.id: unit.quantity // ONE for unit in made.remains()}


def test_a_need_that_comes_out_as_booked_leaves_no_trace() -> None:
    made = world(5, 5)
    assert made.need(line(), 7 * ONE, takes((1, 5), (2, 2)))
    assert not made.need(line(2), ONE, takes((1, 1)))
    assert left(made) == {2: 2}


def test_a_reversal_gives_back_what_was_taken_here() -> None:
    made = world(5, 5)
    made.need(line(), 4 * ONE, takes((2, 4)))
    made.give_back(KEY, 2, 3 * ONE)
    assert left(made) == {1: 4, 2: 5}
    made.give_back(KEY, 2, ONE)
    assert (left(made), made.finish().taken) == ({1: 5, 2: 5}, 0)


def test_a_reversal_in_parts_gives_everything_back_in_the_end() -> None:
    made = world(3, 5)
    made.need(line(), 5 * ONE, takes((2, 5)))
    made.give_back(KEY, 2, 2 * ONE)
    assert left(made) == {1: 2, 2: 3}
    made.give_back(KEY, 2, 3 * ONE)
    assert left(made) == {1: 3, 2: 5}


def test_a_return_lies_where_it_was_taken_from_or_where_it_was_booked() -> None:
    made = world(5, 5)
    made.need(line(), 4 * ONE, takes((2, 4)))
    made.come_back(KEY, 2, 2, ONE)
    assert left(made) == {1: 2, 2: 5}
    made.put(make.unit(id=3, quantity=0))
    made.come_back(KEY, 2, 3, ONE)
    assert left(made) == {1: 2, 2: 5, 3: 1}
    assert made.finish().missing == 0


def test_what_lacks_here_alone_is_settled_by_what_comes_in_first_shipped_first() -> None:
    made = world(1)
    assert not made.need(line(2), 2 * ONE, takes((1, 2)))
    assert not made.need(line(1), 2 * ONE, takes((1, 2)))
    made.put(make.unit(id=2, quantity=0))
    made.settle()
    made.book(2, 2 * ONE, supply=True)
    made.settle()
    figures = made.finish()
    assert (left(made), figures.missing, figures.spared) == ({}, ONE, 0)
    made.give_back(KEY._replace(line=2), 1, 2 * ONE)
    assert made.finish().missing == 0


@pytest.mark.parametrize("each", [1, 2])
def test_lines_are_planned_for_as_far_as_goods_reach_and_no_two_that_want_the_same_in_vain(
    monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    made = world(10 * each)
    made.need(line(99), 10 * each * ONE, [])
    made.put(make.unit(id=2, quantity=0))
    for number in range(1, 11):
        made.need(line(number, ShortagePolicy.LINE), each * ONE, takes((2, each)))
    planned: list[Need] = []

    def noted(need: Need, *given: Any) -> Plan:
        planned.append(need)
        return allocate(need, *given)

    monkeypatch.setattr(worlds, "allocate", noted)
    for _ in range(10 * each):
        made.book(2, ONE, supply=True)
        made.settle()
    assert (len(planned), made.finish().missing, left(made)) == (10 * each, 0, {})


def test_what_lacks_in_the_book_as_well_waits_until_it_is_settled_there() -> None:
    made = world(1)
    assert made.need(line(), 3 * ONE, takes((1, 1)))
    made.put(make.unit(id=2, quantity=0))
    made.book(2, 5 * ONE, supply=True)
    made.settle()
    assert left(made) == {2: 5}
    assert made.need(line(), 2 * ONE, takes((2, 2)))
    assert left(made) == {2: 3}


def test_what_was_short_in_the_book_and_is_not_here_is_spared() -> None:
    made = world(5)
    assert not made.need(line(), 3 * ONE, takes((1, 1)))
    assert made.finish().spared == 2 * ONE
    assert not made.need(line(), 2 * ONE, takes((1, 1)))
    assert (left(made), made.finish().spared) == ({1: 2}, ONE)


@pytest.mark.parametrize(("policy", "taken"), [(ShortagePolicy.PARTIAL, 2), (ShortagePolicy.LINE, 0)])
def test_a_line_that_is_all_or_nothing_takes_nothing_where_it_cannot_be_covered(
    policy: ShortagePolicy, taken: int
) -> None:
    made = world(2)
    made.need(line(policy=policy), 3 * ONE, takes((1, 3)))
    figures = made.finish()
    assert (figures.taken, figures.missing) == (taken * ONE, (3 - taken) * ONE)


def test_what_a_person_chose_is_taken_as_far_as_it_is_there() -> None:
    made = world(5, 2)
    assert not made.need(line(), 3 * ONE, takes((2, 3)), by_person=True)
    assert left(made) == {1: 4}
    assert made.need(line(2), ONE, takes((1, 1)), by_person=True)


def test_more_than_there_is_cannot_be_taken_off() -> None:
    made = world(2)
    assert made.book(1, -3 * ONE) == -2 * ONE
    assert (left(made), made.finish().unapplied) == ({}, ONE)


def test_a_unit_that_is_put_again_is_changed_and_keeps_its_quantity() -> None:
    made = world(5, 5)
    made.need(line(), ONE, takes((1, 1)))
    made.put(make.unit(id=1, quantity=9 * ONE, held=True))
    assert made.need(line(2), ONE, takes((2, 1)))
    assert left(made) == {1: 4, 2: 4}


@pytest.mark.parametrize(("last_day_good", "days"), [(True, 4), (False, 3)])
def test_figures_tell_cost_and_dates_of_what_was_taken(last_day_good: bool, days: int) -> None:
    made = world(2, last_day_good=last_day_good, unit_cost=3 * ONE, expires_on=date(2026, 12, 5))
    made.put(make.unit(id=2, quantity=ONE, received_at=START + timedelta(days=9)))
    made.need(line(ship_date=date(2026, 12, 1)), 3 * ONE, takes((1, 2), (2, 1)))
    assert made.finish() == Figures(
        takes=2, units={1, 2}, taken=3 * ONE, cost=6 * ONE, uncosted=ONE, least_days=days, past_date=0
    )


def test_units_used_up_are_forgotten_by_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockhook.worlds._RENEWED_AFTER", 2)
    made = world(*[1] * 20)
    assert all(made.need(line(number), ONE, takes((number, 1))) for number in range(1, 21))
    assert left(made) == {}
