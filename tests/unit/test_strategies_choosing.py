"""Hand-worked plans of the strategies that cover a need alone, never split, go by the line, or hold others."""

from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offers import FIRST, SECOND, THIRD, made, plan, taken, takes, unit

from stockhook.plugin import InnerStrategy, Need, Offer
from stockhook.quantity import ONE
from stockhook_plugins.strategies.fewest import FewestUnits

SHELF = [
    unit(1, "3", received_at=FIRST),
    unit(2, "5", received_at=SECOND),
    unit(3, "4", received_at=THIRD),
    unit(4, "5", received_at=THIRD),
    unit(5, "12", received_at=THIRD),
]
LOTS = [
    unit(1, "4", received_at=FIRST, lot="A"),
    unit(2, "2", received_at=SECOND, lot="B"),
    unit(3, "6", received_at=THIRD, lot="B", expires_on=date(2026, 12, 1)),
    unit(4, "9", received_at=THIRD, lot="C", expires_on=date(2026, 4, 1)),
    unit(5, "20", received_at=FIRST),
]


@pytest.mark.parametrize(
    ("strategy", "need", "expected"),
    [
        # a unit that holds just what is needed, the oldest of them; else first in, first out
        ("exact", "5", [(2, "5")]),
        ("exact", "4", [(3, "4")]),
        ("exact", "6", [(1, "3"), (2, "3")]),
        ("exact", "100", [(1, "3"), (2, "5"), (3, "4"), (4, "5"), (5, "12")]),
        # the smallest unit that covers alone, of equals the oldest; else first in, first out
        ("single-unit", "3", [(1, "3")]),
        ("single-unit", "3.5", [(3, "3.5")]),
        ("single-unit", "5", [(2, "5")]),
        ("single-unit", "6", [(5, "6")]),
        ("single-unit", "13", [(1, "3"), (2, "5"), (3, "4"), (4, "1")]),
        # as few units as can be, of such sets the oldest; the last one is cut
        ("fewest-units", "3", [(1, "3")]),
        ("fewest-units", "4", [(2, "4")]),
        ("fewest-units", "12", [(5, "12")]),
        ("fewest-units", "13", [(1, "3"), (5, "10")]),
        ("fewest-units", "16", [(2, "5"), (5, "11")]),
        ("fewest-units", "18", [(1, "3"), (2, "5"), (5, "10")]),
        ("fewest-units", "22", [(2, "5"), (4, "5"), (5, "12")]),
        ("fewest-units", "30", [(1, "3"), (2, "5"), (3, "4"), (4, "5"), (5, "12")]),
        # whole units alone, the oldest first; what no whole unit fits into is short
        ("whole-units", "8", [(1, "3"), (2, "5")]),
        ("whole-units", "7", [(1, "3"), (3, "4")]),
        ("whole-units", "6", [(1, "3")]),
        ("whole-units", "2.5", []),
        # a line that names nothing is taken by first in, first out
        ("pinned", "4", [(1, "3"), (2, "1")]),
    ],
)
def test_what_is_taken_of_a_shelf_of_five_units(strategy: str, need: str, expected: list[tuple[int, str]]) -> None:
    assert taken(strategy, need, SHELF) == expected


@pytest.mark.parametrize(
    ("options", "need", "expected"),
    [
        ({}, "4", [(1, "4")]),
        ({}, "5", [(2, "2"), (3, "3")]),
        ({}, "9", [(4, "9")]),
        ({}, "10", [(1, "4"), (5, "6")]),
        ({"inner": made("fefo")}, "3", [(4, "3")]),
        ({"inner": made("fefo")}, "8", [(4, "8")]),
        ({"inner": made("largest")}, "7", [(4, "7")]),
        ({"inner": made("smallest")}, "7", [(2, "2"), (3, "5")]),
        ({"inner": made("single-unit", otherwise="shortage")}, "7", [(4, "7")]),
        ({"otherwise": made("lifo")}, "10", [(3, "6"), (4, "4")]),
        ({"otherwise": "shortage"}, "10", []),
    ],
)
def test_one_lot_covers_the_need_or_what_is_said_to_happen_otherwise(
    options: dict[str, Any], need: str, expected: list[tuple[int, str]]
) -> None:
    assert taken(made("single-lot", **options), need, LOTS) == expected


def test_a_lot_is_one_lot_however_it_is_written() -> None:
    assert taken("single-lot", "8", [unit(1, lot=" l7"), unit(2, lot="L7")]) == [(1, "5"), (2, "3")]


def test_a_lot_whose_pieces_do_not_come_out_even_is_left_for_one_that_does() -> None:
    pieces = [unit(1, "2", lot="A", serial="S1", received_at=FIRST), unit(2, "2", lot="A", serial="S2")]
    assert taken("single-lot", "3", [*pieces, unit(3, "9", lot="B", received_at=THIRD)]) == [(3, "3")]


@pytest.mark.parametrize("strategy", ["exact", "single-unit", "fewest-units", "single-lot"])
@pytest.mark.parametrize(
    ("later", "sooner"),
    [
        ({"received_at": THIRD}, {"received_at": FIRST}),
        ({}, {"opened": True}),
        ({"location": "MAIN/Rack 10"}, {"location": "MAIN/Rack 2"}),
        ({"lot": "L10"}, {"lot": "L9"}),
    ],
    ids=["the older", "the opened one", "Rack 2 before Rack 10", "lot 9 before lot 10"],
)
def test_of_units_that_would_do_alike(strategy: str, later: dict[str, Any], sooner: dict[str, Any]) -> None:
    units = [unit(1, **{"lot": "A", **later}), unit(2, **{"lot": "B", **sooner})]
    assert taken(made(strategy, otherwise="shortage"), "5", units) == [(2, "5")]


@pytest.mark.parametrize("strategy", ["exact", "single-unit", "fewest-units", "single-lot"])
def test_what_cannot_be_covered_alone_may_be_left_short(strategy: str) -> None:
    assert taken(made(strategy, otherwise="shortage"), "100", LOTS) == []


def test_otherwise_may_be_another_strategy_that_must_cover_alone() -> None:
    chosen = made("exact", otherwise=made("single-unit", otherwise=made("lifo")))
    assert [taken(chosen, need, SHELF) for need in ("5", "6", "13")] == [
        [(2, "5")],
        [(5, "6")],
        [(3, "4"), (4, "5"), (5, "4")],
    ]


def test_each_pick_says_why() -> None:
    assert takes("exact", "5", SHELF) == [(2, "5", "exactly 5, received 2 Mar 2026")]
    assert takes("single-unit", "3.5", SHELF) == [(3, "3.5", "4 available, covers 3.5 alone")]
    assert takes("fewest-units", "13", SHELF)[1] == (5, "10", "received 3 Mar 2026")
    assert plan("fewest-units", "13", SHELF)[2] == (2, "0", "received 2 Mar 2026; not one of the fewest")
    assert takes("single-lot", "4", LOTS) == [(1, "4", "lot A alone; received 1 Mar 2026")]
    assert plan("whole-units", "4", SHELF)[1] == (2, "0", "received 2 Mar 2026; not split")
    assert takes("pinned", "1", LOTS, lots=("b",), places=("main",)) == [
        (2, "1", "named by the line: lot B, at MAIN/FG")
    ]


def test_long_names_do_not_make_long_reasons() -> None:
    assert len(takes("single-lot", "1", [unit(1, lot="L" * 200)])[0][2]) == 100


PIECES = [unit(number, "1", serial=f"S{number}", received_at=FIRST + timedelta(days=number)) for number in range(1, 5)]


@pytest.mark.parametrize("strategy", ["exact", "single-unit", "fewest-units", "whole-units", "pinned"])
def test_pieces_with_a_serial_number_are_never_cut(strategy: str) -> None:
    assert taken(strategy, "0.5", PIECES) == []
    assert taken(strategy, "2.5", PIECES) == [(1, "1"), (2, "1")]
    assert taken(strategy, "1", PIECES) == [(1, "1")]


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        ("3", [(1, "1"), (2, "1"), (3, "1")]),
        ("2.5", [(1, "1"), (9, "1.5")]),
        ("5.5", [(1, "1"), (2, "1"), (3, "1"), (4, "1"), (9, "1.5")]),
        ("1.5", [(9, "1.5")]),
        ("0.25", [(9, "0.25")]),
    ],
)
def test_the_fewest_of_pieces_and_units_that_can_be_cut(need: str, expected: list[tuple[int, str]]) -> None:
    shelf = [*PIECES, unit(9, "1.5", received_at=THIRD + timedelta(days=9))]
    assert taken(made("fewest-units", otherwise="shortage"), need, shelf) == expected


PLACES = [
    unit(1, "2", location="MAIN/A", received_at=FIRST, lot="A"),
    unit(2, "2", location="MAIN/B/1", received_at=THIRD, lot="A"),
    unit(3, "2", location="MAIN/B/2", received_at=SECOND, lot="B"),
    unit(4, "2", location="MAIN/BX", received_at=FIRST, lot="B", serial="S4"),
]


@pytest.mark.parametrize(
    ("asked", "need", "expected"),
    [
        ({"places": ("MAIN/B",)}, "3", [(3, "2"), (2, "1")]),
        ({"places": ("main/b/",)}, "3", [(3, "2"), (2, "1")]),
        ({"places": ("MAIN/B",)}, "5", [(3, "2"), (2, "2"), (1, "1")]),
        ({"places": ("MAIN/B/1", "MAIN/A")}, "3", [(2, "2"), (1, "1")]),
        ({"places": ("WEST",)}, "1", [(1, "1")]),
        ({"places": ("MAIN/B",), "lots": ("a",)}, "1", [(2, "1")]),
        ({"serials": ("s4",)}, "2", [(4, "2")]),
    ],
)
def test_a_line_is_taken_from_the_places_it_names_first(
    asked: dict[str, Any], need: str, expected: list[tuple[int, str]]
) -> None:
    assert taken("pinned", need, PLACES, **asked) == expected


def test_a_line_may_be_taken_from_its_places_alone() -> None:
    assert taken(made("pinned", otherwise="shortage"), "5", PLACES, places=("MAIN/B",)) == [(3, "2"), (2, "2")]
    assert taken(made("pinned", otherwise="shortage"), "5", PLACES) == []


@pytest.mark.parametrize(
    ("strategies", "need", "expected"),
    [
        (["exact", "single-unit", "fifo"], "4", [(3, "4")]),
        (["exact", "single-unit", "fifo"], "6", [(5, "6")]),
        (["exact", "single-unit", "fifo"], "13", [(1, "3"), (2, "5"), (3, "4"), (4, "1")]),
        (["whole-units", "lifo"], "7", [(1, "3"), (3, "4")]),
        (["whole-units", "lifo"], "6", [(3, "4"), (4, "2")]),
        (["whole-units", "lifo"], "40", [(3, "4"), (4, "5"), (5, "12"), (2, "5"), (1, "3")]),
        (["exact", "single-unit"], "13", [(1, "3"), (2, "5"), (3, "4"), (4, "1")]),
    ],
)
def test_of_a_chain_the_first_that_covers_wins_else_the_last_takes_a_part(
    strategies: list[str], need: str, expected: list[tuple[int, str]]
) -> None:
    assert taken(made("chain", strategies=[made(name) for name in strategies]), need, SHELF) == expected


def test_a_chain_holds_something_and_all_of_it_can_be_reached() -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        made("chain", strategies=[])
    with pytest.raises(ValueError, match="the otherwise of exact is never reached"):
        made("chain", strategies=[made("exact", otherwise=made("lifo")), made("fifo")])
    assert made("chain", strategies=[made("fifo"), made("exact", otherwise=made("lifo"))])


def fewest_by_trying_all(need: int, units: list[Offer]) -> list[int]:
    """The fifo-earliest of the smallest sets that cover the need with their pieces whole."""
    units = sorted(units, key=lambda unit: (unit.received_at, unit.id))
    for number in range(1, len(units) + 1):
        for chosen in combinations(units, number):
            pieces = sum(unit.available for unit in chosen if unit.serial)
            if pieces <= need <= sum(unit.available for unit in chosen):
                return [unit.id for unit in chosen]
    return []


@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=8),
    piece=st.integers(1, 4),
    serials=st.booleans(),
    need=st.integers(1, 30),
)
def test_the_fewest_units_are_those_that_trying_all_sets_finds(
    sizes: list[tuple[int, bool]], piece: int, serials: bool, need: int
) -> None:
    units = [
        Offer(
            id=number,
            location="MAIN",
            pick_sequence=None,
            available=(piece if whole and serials else size) * ONE,
            received_at=FIRST + timedelta(days=number),
            serial=f"S{number}" if whole and serials else None,
        )
        for number, (size, whole) in enumerate(sizes, start=1)
    ]
    picks = FewestUnits(FewestUnits.Options(otherwise=None)).plan(Need("SOAP", need * ONE), units)
    found = [pick.unit_id for pick in picks if pick.quantity]
    assert found == fewest_by_trying_all(need * ONE, units)
    assert sum(pick.quantity for pick in picks) == (need * ONE if found else 0)


def test_a_strategy_that_is_an_option_is_told_from_what_is_none() -> None:
    assert InnerStrategy(made("fifo")).type == "fifo"
    for value in ("fifo", 3, {"type": "fifo"}, made):
        with pytest.raises(ValueError, match="expected the name of a strategy, or a table like"):
            made("single-lot", inner=value)
