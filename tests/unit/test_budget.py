import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import pytest

from stockhook.budget import Budget
from stockhook.errors import BadPlan
from stockhook.model import Need, Offer, Pick
from stockhook.quantity import ONE

NEED = Need("A", ONE)


def busy(seconds: float) -> list[Pick]:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass
    return []


def asleep(seconds: float) -> list[Pick]:
    time.sleep(seconds)
    return []


def test_a_plan_in_time_is_what_the_strategy_returned() -> None:
    picks = [Pick(1, ONE, "first")]
    assert Budget().planner("quick", lambda need, units: picks)(NEED, []) is picks


def test_a_plan_that_never_returns_is_ended_and_named() -> None:
    def endless(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        while True:
            pass

    budget = Budget(seconds=0.05)
    began = time.monotonic()
    with pytest.raises(BadPlan, match=r"strategy endless: took more than 0.05 s to plan A") as raised:
        budget.planner("endless", endless)(NEED, [])
    assert raised.value.strategy == "endless"
    assert time.monotonic() - began < 30
    assert not budget.stuck


def test_a_plan_cannot_catch_its_end_by_catching_every_exception() -> None:
    def stubborn(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        while True:
            with suppress(Exception):  # as a careless plugin does
                busy(0.01)

    with pytest.raises(BadPlan):
        Budget(seconds=0.05).planner("stubborn", stubborn)(NEED, [])


def test_the_end_of_a_late_plan_arrives_nowhere_else() -> None:
    budget = Budget(seconds=0.03)
    late = budget.planner("late", lambda need, units: busy(0.2))
    quick = budget.planner("quick", lambda need, units: busy(0.02))
    for _ in range(3):
        with pytest.raises(BadPlan):
            late(NEED, [])
        busy(0.05)
        assert quick(NEED, []) == []


def test_a_plan_stuck_in_foreign_code_switches_its_strategy_off() -> None:
    budget = Budget(seconds=0.05, grace=0.05)
    stuck = budget.planner("stuck", lambda need, units: asleep(0.5))
    with pytest.raises(BadPlan):
        stuck(NEED, [])
    assert budget.stuck == {"stuck"}
    with pytest.raises(BadPlan, match="switched off until a restart"):
        stuck(NEED, [])
    assert budget.planner("other", lambda need, units: [])(NEED, []) == []


def test_the_watch_ends_with_the_plans_and_begins_again_with_the_next_one() -> None:
    budget = Budget(seconds=0.05)

    def watched() -> bool:
        return any(thread.name == "plan budget" and thread is budget._watcher for thread in threading.enumerate())

    late = budget.planner("late", lambda need, units: busy(0.5))
    for _ in range(2):
        with pytest.raises(BadPlan):
            late(NEED, [])
        ends = time.monotonic() + 5
        while watched() and time.monotonic() < ends:
            time.sleep(0.01)
        assert not watched()


def test_what_a_plan_raises_comes_through_as_it_is() -> None:
    def broken(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        raise KeyError("lot")

    with pytest.raises(KeyError):
        Budget().planner("broken", broken)(NEED, [])
