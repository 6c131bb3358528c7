"""Attempts on the tiers: what must cover alone, what cuts, and what one leaves to the next."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offers import made, unit

from stockhook.errors import BadPlan
from stockhook.model import Need, Offer, Pick
from stockhook.quantity import ONE
from stockhook.steps import Attempt, Decision, decide
from stockhook.strategy import attempts

FIFO, LIFO = made("fifo").plan, made("lifo").plan
TIERS = [[unit(1, "3"), unit(2, "1")], [], [unit(3, "4"), unit(4, "9")]]


def tried(need: int, *found: Attempt, tiers: Sequence[Sequence[Offer]] = TIERS) -> Decision:
    return decide(found, Need("A", need * ONE), tiers)


def picks(decision: Decision) -> list[tuple[int, int]]:
    return [(pick.unit_id, pick.quantity // ONE) for pick in decision.picks]


def test_what_cuts_takes_from_one_tier_after_the_other() -> None:
    decision = tried(6, Attempt("fifo", "1", FIFO))
    assert picks(decision) == [(2, 1), (1, 3), (3, 2)]
    assert (decision.left, decision.tier, decision.asked) == (0, 2, {"fifo"})


def test_what_must_cover_alone_takes_from_the_first_tier_that_covers() -> None:
    assert picks(tried(4, Attempt("fifo", "1", FIFO, alone=True))) == [(2, 1), (1, 3)]
    assert picks(tried(5, Attempt("fifo", "1", FIFO, alone=True))) == [(3, 4), (4, 1)]


def test_what_cannot_cover_alone_takes_nothing() -> None:
    decision = tried(14, Attempt("fifo", "1", FIFO, alone=True))
    assert (picks(decision), decision.left, decision.tier, decision.deciding) == ([], 14 * ONE, None, [])


def test_a_part_of_what_must_cover_alone_is_no_plan() -> None:
    half = Attempt("half", "1", lambda need, units: [Pick(units[0].id, ONE, "")], alone=True)
    last = Attempt("lifo", "1", LIFO)
    decision = tried(3, half, last)
    assert [attempt.strategy for attempt in decision.deciding] == ["lifo"]
    assert decision.asked == {"half", "lifo"}
    assert decision.left == 0


def test_what_one_attempt_leaves_the_next_one_takes_even_from_the_same_unit() -> None:
    one_each = Attempt("one", "1", lambda need, units: [Pick(units[0].id, ONE, "the first")])
    decision = tried(8, one_each, Attempt("fifo", "1", FIFO))
    assert picks(decision) == [(1, 3), (3, 4), (2, 1)]
    assert [attempt.strategy for attempt in decision.deciding] == ["one", "fifo"]
    assert decision.picks[0].why == "the first"


def test_an_attempt_after_the_need_is_covered_is_not_asked() -> None:
    assert tried(1, Attempt("fifo", "1", FIFO), Attempt("lifo", "1", LIFO)).asked == {"fifo"}


def test_a_later_attempt_is_offered_no_more_than_what_is_left_of_a_unit() -> None:
    one = Attempt("one", "1", lambda need, units: [Pick(1, 2 * ONE, "")])
    greedy = Attempt("greedy", "1", lambda need, units: [Pick(1, 2 * ONE, "")])
    with pytest.raises(BadPlan, match="greedy: took 2 from unit 1, which has 1"):
        tried(9, one, greedy, tiers=TIERS[:1])


@given(
    need=st.integers(1, 40),
    amounts=st.lists(st.lists(st.integers(1, 9), max_size=4), max_size=3),
    chosen=st.sampled_from(["exact", "single-unit", "fewest-units", "single-lot", "pinned", "fifo"]),
)
def test_what_there_is_is_taken_whatever_must_cover_alone_first(
    need: int, amounts: list[list[int]], chosen: str
) -> None:
    numbers = iter(range(1, 99))
    tiers = [[unit(next(numbers), str(amount), lot="L") for amount in tier] for tier in amounts]
    decision = decide(attempts(made(chosen)), Need("A", need * ONE), tiers)
    assert sum(pick.quantity for pick in decision.picks) == min(need, sum(map(sum, amounts))) * ONE
    assert decision.left == need * ONE - sum(pick.quantity for pick in decision.picks)
    alone = [tier for tier in amounts if sum(tier) >= need]
    if alone and chosen in ("fewest-units", "single-lot"):
        ids = {offer.id for offer in tiers[amounts.index(alone[0])]}
        assert {pick.unit_id for pick in decision.picks} <= ids
