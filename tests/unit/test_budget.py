import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace

import pytest

from stockhook import budget
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


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_plan_in_time_is_what_the_strategy_returned() -> None:
    picks = [Pick(1, ONE, "first")]
    assert Budget().planner("quick", lambda need, units: picks)(NEED, []) is picks


def test_a_plan_that_never_returns_is_ended_and_named() -> None:
    def endless(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        while True:
            pass

    watched = Budget(seconds=0.05)
    began = time.monotonic()
    with pytest.raises(BadPlan, match=r"strategy endless: took more than 0.05 s to plan A") as raised:
        watched.planner("endless", endless)(NEED, [])
    assert raised.value.strategy == "endless"
    assert time.monotonic() - began < 30
    assert not watched.stuck


def test_a_plan_cannot_catch_its_end_by_catching_every_exception() -> None:
    def stubborn(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        while True:
            with suppress(Exception):  # as a careless plugin does
                busy(0.01)

    with pytest.raises(BadPlan):
        Budget(seconds=0.05).planner("stubborn", stubborn)(NEED, [])


def test_the_end_of_a_late_plan_arrives_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [0.0]  # stands still, so that no other plan is late, however slow the machine
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: moment[0], sleep=time.sleep))

    def takes_long(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        moment[0] += 1
        return busy(60)

    watched = Budget(seconds=0.03)
    late = watched.planner("late", takes_long)
    quick = watched.planner("quick", lambda need, units: busy(0.02))
    for _ in range(3):
        with pytest.raises(BadPlan):
            late(NEED, [])
        busy(0.05)
        assert quick(NEED, []) == []


def test_a_plan_stuck_in_foreign_code_switches_its_strategy_off() -> None:
    watched = Budget(seconds=0.05, grace=0.05)
    held = threading.Lock()
    held.acquire()

    def foreign(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        held.acquire(timeout=60)  # no exception of another thread arrives in here
        return []

    def free() -> None:
        until(lambda: bool(watched.stuck))
        held.release()

    stuck = watched.planner("stuck", foreign)
    freeing = threading.Thread(target=free)
    freeing.start()
    with pytest.raises(BadPlan):
        stuck(NEED, [])
    freeing.join()
    assert watched.stuck == {"stuck"}
    with pytest.raises(BadPlan, match="switched off until a restart"):
        stuck(NEED, [])
    assert watched.planner("other", lambda need, units: [])(NEED, []) == []


def test_the_watch_ends_with_the_plans_and_begins_again_with_the_next_one() -> None:
    watched = Budget(seconds=0.05)

    def ended() -> bool:
        return not any(thread is watched._watcher for thread in threading.enumerate())

    late = watched.planner("late", lambda need, units: busy(60))
    for _ in range(2):
        with pytest.raises(BadPlan):
            late(NEED, [])
        until(ended)


def test_one_watch_serves_all_plans_that_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep, looks = threading.Semaphore(0), threading.Semaphore(0)

    def sleep(_: float) -> None:
        asleep.release()
        looks.acquire()

    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    watched = Budget()
    quick = watched.planner("quick", lambda need, units: [])
    quick(NEED, [])
    first = watched._watcher
    assert first is not None
    asleep.acquire()
    for _ in range(3):
        looks.release()
        asleep.acquire()
        quick(NEED, [])
    assert watched._watcher is first
    while first.is_alive():
        looks.release()
        first.join(0.01)
    assert watched._watcher is None


def test_what_a_plan_raises_comes_through_as_it_is() -> None:
    def broken(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        raise KeyError("lot")

    with pytest.raises(KeyError):
        Budget().planner("broken", broken)(NEED, [])
