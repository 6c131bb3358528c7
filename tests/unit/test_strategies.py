"""Hand-worked plans of each strategy: which units, in which order, and why."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offers import BUNDLED, FIRST, SECOND, THIRD, order, plan, takes, unit

from stockhook.plugin import Offer
from stockhook_plugins.strategies.rotation import Rotation, natural

ROTATING = [name for name, offered in BUNDLED.items() if issubclass(offered, Rotation)]

BY_RECEIPT = [unit(1, received_at=THIRD), unit(2, received_at=FIRST), unit(3, received_at=SECOND)]
BY_EXPIRY = [
    unit(1),
    unit(2, expires_on=date(2026, 4, 30)),
    unit(3, expires_on=date(2026, 3, 31)),
    unit(4, expires_on=date(2026, 3, 31), received_at=FIRST),
    unit(5, received_at=FIRST),
]
BY_COST = [
    unit(1, cost="4.2"),
    unit(2),
    unit(3, cost="3.999999"),
    unit(4, cost="4.2", received_at=FIRST),
    unit(5, cost="0"),
]
BY_PLACE = [
    unit(1, location="MAIN/Rack 10"),
    unit(2, location="MAIN/Rack 2"),
    unit(3, location="WEST", pick_sequence=20),
    unit(4, location="WEST", pick_sequence=3),
    unit(5, location="MAIN/Rack 2", received_at=FIRST),
    unit(6, location="EAST", pick_sequence=0),
]
BY_PRIORITY = [unit(1), unit(2, priority=2), unit(3, priority=1), unit(4, priority=1, received_at=FIRST)]
BY_SIZE = [unit(1, "5"), unit(2, "12"), unit(3, "0.5"), unit(4, "5", received_at=FIRST)]


@pytest.mark.parametrize(
    ("strategy", "units", "expected"),
    [
        ("fifo", BY_RECEIPT, [2, 3, 1]),
        ("lifo", BY_RECEIPT, [1, 3, 2]),
        ("fefo", BY_EXPIRY, [4, 3, 2, 5, 1]),
        ("lefo", BY_EXPIRY, [2, 3, 4, 1, 5]),
        ("lowest-cost", BY_COST, [5, 3, 4, 1, 2]),
        ("highest-cost", BY_COST, [4, 1, 3, 5, 2]),
        ("location", BY_PLACE, [6, 4, 3, 5, 2, 1]),
        ("priority", BY_PRIORITY, [4, 3, 2, 1]),
        ("largest", BY_SIZE, [2, 4, 1, 3]),
        ("smallest", BY_SIZE, [3, 4, 1, 2]),
    ],
)
def test_units_are_taken_in_the_order_of_the_strategy(strategy: str, units: list[Offer], expected: list[int]) -> None:
    assert order(strategy, units) == expected


@pytest.mark.parametrize(
    ("strategy", "units", "need", "expected"),
    [
        ("fifo", BY_RECEIPT, "7", [(2, "5", "received 1 Mar 2026"), (3, "2", "received 2 Mar 2026")]),
        ("lifo", BY_RECEIPT, "0.25", [(1, "0.25", "received 3 Mar 2026")]),
        ("fefo", BY_EXPIRY, "11", [
            (4, "5", "expires 31 Mar 2026"), (3, "5", "expires 31 Mar 2026"), (2, "1", "expires 30 Apr 2026"),
        ]),
        ("fefo", [unit(1)], "1", [(1, "1", "no expiry date")]),
        ("lefo", BY_EXPIRY, "6", [(2, "5", "expires 30 Apr 2026"), (3, "1", "expires 31 Mar 2026")]),
        ("lowest-cost", BY_COST, "6", [(5, "5", "cost 0.00"), (3, "1", "cost 3.999999")]),
        ("highest-cost", BY_COST, "1", [(4, "1", "cost 4.20")]),
        ("highest-cost", [unit(1)], "1", [(1, "1", "no cost known")]),
        ("location", BY_PLACE, "1", [(6, "1", "at EAST, pick sequence 0")]),
        ("location", BY_PLACE[:2], "1", [(2, "1", "at MAIN/Rack 2, no pick sequence")]),
        ("priority", BY_PRIORITY, "1", [(4, "1", "priority 1")]),
        ("priority", [unit(1)], "1", [(1, "1", "no priority")]),
        ("largest", BY_SIZE, "13", [(2, "12", "12 available"), (4, "1", "5 available")]),
        ("smallest", BY_SIZE, "1", [(3, "0.5", "0.5 available"), (4, "0.5", "5 available")]),
    ],
)  # fmt: skip
def test_each_pick_says_how_much_and_why(
    strategy: str, units: list[Offer], need: str, expected: list[tuple[int, str, str]]
) -> None:
    assert takes(strategy, need, units) == expected


TAIL = [
    ("an opened unit comes before a sealed one", unit(1), unit(2, opened=True)),
    ("the smaller pick sequence comes first", unit(1, pick_sequence=10), unit(2, pick_sequence=9)),
    ("a place without pick sequence comes last", unit(1), unit(2, pick_sequence=99)),
    ("Rack 2 comes before Rack 10", unit(1, location="MAIN/Rack 10"), unit(2, location="MAIN/Rack 2")),
    ("a lot numbered 9 comes before 10", unit(1, lot="B10"), unit(2, lot="B9")),
    ("a unit without a lot comes last", unit(1), unit(2, lot="Z")),
]


@pytest.mark.parametrize("strategy", ["fifo", "lifo", "fefo", "lefo", "lowest-cost", "priority", "largest", "smallest"])
@pytest.mark.parametrize(("later", "sooner"), [row[1:] for row in TAIL], ids=[row[0] for row in TAIL])
def test_units_alike_to_a_strategy_are_taken_by_the_same_tail(strategy: str, later: Offer, sooner: Offer) -> None:
    assert order(strategy, [later, sooner]) == [2, 1]


def test_of_two_units_received_at_one_moment_the_smaller_is_used_up_first() -> None:
    assert order("fifo", [unit(1, "7"), unit(2, "3")]) == [2, 1]


@pytest.mark.parametrize("strategy", ROTATING)
def test_units_alike_in_everything_are_taken_as_they_were_booked(strategy: str) -> None:
    assert order(strategy, [unit(3), unit(1), unit(2)]) == [1, 2, 3]


def test_a_serial_unit_larger_than_what_is_left_is_passed_over_for_the_next_one() -> None:
    units = [unit(1, "2", serial="A", received_at=FIRST), unit(2, "1", serial="B"), unit(3, "4", received_at=THIRD)]
    assert plan("fifo", "1.5", units) == [
        (2, "1", "received 2 Mar 2026"),
        (3, "0.5", "received 3 Mar 2026"),
        (1, "0", "received 1 Mar 2026; not split"),
    ]


def test_a_unit_of_which_nothing_is_available_is_passed_over() -> None:
    assert [pick[0] for pick in plan("fifo", "1", [unit(1, "0", received_at=FIRST), unit(2)])] == [2]


def test_a_need_of_nothing_takes_nothing() -> None:
    assert takes("fifo", "0", [unit(1)]) == []


def test_the_five_units_that_come_next_are_named_behind_the_takes() -> None:
    picks = plan("fifo", "6", [unit(number) for number in range(1, 10)])
    assert [pick[:2] for pick in picks] == [(1, "5"), (2, "1"), (3, "0"), (4, "0"), (5, "0"), (6, "0"), (7, "0")]


@pytest.mark.parametrize("strategy", BUNDLED)
def test_strategies_take_no_options_but_their_own(strategy: str) -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        BUNDLED[strategy].Options.model_validate({"shelf": 3})
    assert strategy not in ROTATING or not BUNDLED[strategy].Options.model_fields


@pytest.mark.parametrize(
    ("sooner", "later"),
    [
        ("Rack 2", "Rack 10"),
        ("MAIN", "MAIN/FG"),
        ("MAIN/FG", "MAIN-2"),
        ("a/9", "A/10"),
        ("L007", "L8"),
        ("L", "L1"),
        ("9", "A"),
        ("1" * 5000, "2" * 5000),
    ],
)
def test_names_sort_as_a_person_reads_them(sooner: str, later: str) -> None:
    assert natural(sooner) < natural(later)


@given(st.lists(st.text(alphabet="aB/ -0123²٣é", max_size=6), max_size=8))
def test_any_names_can_be_compared(names: list[str]) -> None:
    def by(key: Callable[[str], object]) -> list[object]:
        return [key(name) for name in sorted(names, key=natural)]

    assert by(natural) == sorted(by(natural))  # type: ignore[type-var]
