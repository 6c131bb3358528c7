import itertools
from typing import Any

import pytest

from stockhook.draft import Cause, Draft
from stockhook.kits import Reading
from stockhook.model import NEW, EventState, How, OrderState, Part, Shortage, Take, WaitKind
from stockhook.quantity import ONE
from stockhook.target import Shipped, Target
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.verdict import verdict

LINE = make.line(code="A")
TAKE = Take(1, 1, 0, "A", ONE, ONE)


def draft(*waits: tuple[WaitKind, str], owed: int = 0, taken: bool = False) -> Draft:
    rows = (Shortage(1, make.ACCOUNT, "DEMO-1", 0, "A", owed, owed, START),) if owed else ()
    state = OrderState(make.order(), (LINE,), (TAKE,) if taken else (), rows)
    made = Draft(state, Cause(START, "worker"), itertools.count(NEW))
    for kind, subject in waits:
        made.wait(kind, subject)
    return made


def aim(**facts: Any) -> Target:
    plain = {"units": ONE, "shipped": True, "inferred": False, "ship_date": None}
    return Target(Reading(LINE, How.PLAIN, (Part("A", ONE),), 0), **{**plain, **facts})


@pytest.mark.parametrize(
    ("waits", "owed", "reason", "words"),
    [
        ([], ONE, "insufficient-inventory", "1 of A could not be found in stock"),
        (
            [(WaitKind.ITEM, "A")],
            0,
            "insufficient-inventory",
            "waits until all of the order can be covered: A is short",
        ),
        ([(WaitKind.CODE, "x")], 0, "unknown-item", "waits until x is mapped to an item"),
        ([(WaitKind.FACTS, "shipped-unclear")], 0, "shipped-unclear", "waits for a snapshot that says more"),
        ([(WaitKind.FACTS, "no-items")], 0, "no-items", "waits for a snapshot that says more"),
        ([(WaitKind.PERSON, "2")], 0, "line-conflict", "line 2 now means another item and waits for a ruling"),
    ],
)
@pytest.mark.parametrize("taken", [False, True])
def test_what_waits_is_short_or_parked_with_its_reason_in_words(
    waits: list[tuple[WaitKind, str]], owed: int, reason: str, words: str, taken: bool
) -> None:
    state, why, text = verdict(draft(*waits, owed=owed, taken=taken), [aim()], Shipped.BY_LINE)
    assert state is (EventState.SHORT if taken else EventState.PARKED)
    assert why == reason
    assert words in text


def test_everything_that_waits_is_named() -> None:
    made = draft((WaitKind.CODE, "x"), (WaitKind.CODE, "y"), (WaitKind.PERSON, "2"), owed=ONE)
    _, _, text = verdict(made, [aim()], Shipped.BY_LINE)
    assert "x, y" in text
    assert "line 2" in text
    assert "1 of A" in text


@pytest.mark.parametrize(
    ("aims", "shipped", "state", "reason"),
    [
        ([aim()], Shipped.NOT, EventState.IGNORED, "not-a-shipment"),
        ([aim(shipped=False, units=0)], Shipped.BY_LINE, EventState.IGNORED, "not-a-shipment"),
        ([], Shipped.BY_ORDER, EventState.IGNORED, "not-a-shipment"),
        ([aim()], Shipped.BY_LINE, EventState.APPLIED, None),
        ([aim(units=0)], Shipped.BY_LINE, EventState.APPLIED, None),
        ([aim(units=0, reason="test-order")], Shipped.BY_LINE, EventState.IGNORED, "test-order"),
        ([aim(units=0, reason="before-start")], Shipped.BY_LINE, EventState.IGNORED, "before-start"),
        ([aim(), aim(units=0, reason="other-warehouse")], Shipped.BY_LINE, EventState.APPLIED, None),
    ],
)
def test_what_waits_for_nothing_is_applied_or_ignored(
    aims: list[Target], shipped: Shipped, state: EventState, reason: str | None
) -> None:
    assert verdict(draft(), aims, shipped)[:2] == (state, reason)


def test_a_wait_of_any_kind_has_words() -> None:
    for kind in set(WaitKind) - {WaitKind.STRATEGY}:  # a refused plan says its own
        _, _, text = verdict(draft((kind, "what")), [aim()], Shipped.BY_LINE)
        assert "what" in text


class TestWords:
    """What an event's text says of goods that came back, were counted, or are refunded and have not come back."""

    def words(self, made: Draft, **facts: Any) -> str:
        return verdict(made, [aim(**facts)], Shipped.BY_LINE)[2]

    def test_a_refund_after_shipping_is_listed_with_what_a_person_can_do(self) -> None:
        said = self.words(draft(taken=True), refunded=3 * ONE)
        assert said.startswith(
            "all that shipped was booked before; 1 of A refunded after shipping: nothing comes back by"
        )
        assert said.endswith(f"`stockhook orders correct DEMO-1 {LINE.item_index} --returned 1`")

    def test_what_has_come_back_is_not_asked_for_again(self) -> None:
        made = draft(taken=True)
        made.takes = [Take(1, 1, 0, "A", ONE, ONE, returned=ONE)]
        assert self.words(made, refunded=ONE) == "all that shipped was booked before"

    def test_what_leaves_suspense_is_not_called_booked(self) -> None:
        made = draft()
        made.takes = [Take(1, 8, 0, "A", ONE, ONE, suspense=True)]
        made.release(LINE, "A", ONE)
        assert self.words(made) == "all that shipped was booked before"
