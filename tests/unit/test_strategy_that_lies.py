"""A strategy that lies, through the whole worker: the event waits, the plugin is named, and stock stays as it was."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import pytest

from stockhook.budget import Budget
from stockhook.choice import AllocationRule, Choices
from stockhook.model import EventState, Movement, MovementKind, Need, Offer, Pick, Problem, ProblemState, Unit
from stockhook.plugin import InnerStrategy
from stockhook.quantity import ONE
from stockhook.strategy import method
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.lot import SingleLot
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
Plan = Callable[[Need, Sequence[Offer]], Sequence[Pick]]


class Liar(Fifo):
    """Plans as it is told to, and as fifo once it is told nothing."""

    type = "liar"
    lie: ClassVar[Plan | None] = None

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        lie = type(self).lie
        return super().plan(need, units) if lie is None else list(lie(need, units))


@pytest.fixture(autouse=True)
def honest() -> Iterator[None]:
    yield
    Liar.lie = None


def open_shop(choices: Choices | None = None) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(store, channel, Liar(Liar.Options()), budget=Budget(seconds=0.2), choices=choices)
    shop.stock(A=5, B=5)
    shop.receive(("A", 5), lot="L2")
    return shop


def tell(lie: Any) -> None:
    """Have the strategy lie from now on."""
    Liar.lie = staticmethod(lie)  # type: ignore[assignment]


def raising(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
    raise LookupError("the shelf list is away")


def endless(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
    while True:
        time.sleep(0.01)


LIES: dict[str, tuple[Plan, str]] = {
    "takes more than offered": (
        lambda need, units: [Pick(units[0].id, 9 * ONE, "")],
        "took 9 from unit 1, which has 5",
    ),
    "takes more than needed": (
        lambda need, units: [Pick(unit.id, unit.available, "") for unit in units],
        "took 10 of A where 7 were needed",
    ),
    "takes a unit never offered": (lambda need, units: [Pick(2, ONE, "")], "took from unit 2, which was not offered"),
    "takes a negative quantity": (lambda need, units: [Pick(units[0].id, -ONE, "")], "took -1 from unit 1"),
    "takes one unit twice": (lambda need, units: [Pick(units[0].id, ONE, "")] * 2, "named unit 1 twice"),
    "takes what is no quantity": (lambda need, units: [Pick(units[0].id, 0.5, "")], "where a Pick with"),  # type: ignore[arg-type]
    "raises": (raising, "raised LookupError: the shelf list is away"),
    "never returns": (endless, "took more than 0.2 s to plan A"),
}


def shown(shop: Shop) -> list[tuple[int, int]]:
    return [(unit.id, unit.quantity) for unit in shop.find(Unit)]


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_parks_the_event_names_the_plugin_and_leaves_stock_untouched(lie: str) -> None:
    plan, words = LIES[lie]
    shop = open_shop()
    before = shown(shop)
    tell(plan)
    [event] = shop.send(envelope(order_ship("D-1", [line("B", 0, shipped=DAY1), line("A", 7, shipped=DAY1)])))
    assert (event.state, event.reason) == (EventState.PARKED, "bad-plan")
    assert "strategy liar" in event.text
    assert words in event.text
    [problem] = shop.find(Problem, state=ProblemState.OPEN)
    assert (problem.kind, problem.subject) == ("bad-plan", "liar")
    assert words in problem.text
    assert shown(shop) == before
    assert shop.find(Movement, kind=MovementKind.CONSUMPTION) == []
    assert shop.booked("D-1") == {}
    assert shop.owed("A") == 0


def test_nothing_of_an_order_is_booked_of_which_one_line_was_lied_about() -> None:
    shop = open_shop()
    tell(lambda need, units: raising(need, units) if need.sku == "A" else [Pick(units[0].id, ONE, "")])
    shop.send(envelope(order_ship("D-1", [line("B", 1, shipped=DAY1), line("A", 1, shipped=DAY1)])))
    assert shop.booked("D-1") == {}
    assert shop.on_hand("B") == 5 * ONE


def test_other_orders_are_booked_meanwhile_and_this_one_once_the_plans_are_sound() -> None:
    shop = open_shop()
    tell(lambda need, units: raising(need, units) if need.sku == "A" else [Pick(units[0].id, ONE, "")])
    shop.send(
        envelope(order_ship("D-1", [line("A", 7, shipped=DAY1)]), order_ship("D-2", [line("B", 1, shipped=DAY1)]))
    )
    assert (shop.booked("D-1"), shop.booked("D-2")) == ({}, {"B": ONE})
    Liar.lie = None
    shop.send(envelope(order_ship("D-1", [line("A", 7, shipped=DAY1)])))
    assert shop.booked("D-1") == {"A": 7 * ONE}
    assert shop.problems() == set()
    assert shop.states("D-1") == ["applied", "unchanged"]


def test_a_lie_of_a_strategy_that_another_one_holds_names_the_one_that_lied() -> None:
    inner = InnerStrategy(Liar(Liar.Options()))
    shop = open_shop(Choices(method(SingleLot(SingleLot.Options(inner=inner)))))
    tell(lambda need, units: [Pick(units[0].id, need.quantity + ONE, "")])
    [event] = shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    assert (event.state, event.reason) == (EventState.PARKED, "bad-plan")
    assert [problem.subject for problem in shop.find(Problem, state=ProblemState.OPEN)] == ["liar"]
    Liar.lie = None
    shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    assert (shop.booked("D-1"), shop.problems()) == ({"A": 5 * ONE}, set())


def test_the_time_of_a_strategy_that_another_one_holds_counts_as_its_own() -> None:
    inner = InnerStrategy(Liar(Liar.Options()))
    chosen = SingleLot(SingleLot.Options(inner=inner))
    shop = open_shop(Choices(method(chosen, planner=Budget(seconds=0.2).planner)))
    tell(endless)
    [event] = shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    assert event.reason == "bad-plan"
    assert "strategy single-lot: took more than 0.2 s" in event.text


def test_a_liar_that_a_rule_chooses_holds_up_its_items_alone() -> None:
    rule = AllocationRule(1, item="A", method=method(Liar(Liar.Options())))
    shop = open_shop(Choices(method(Fifo(Fifo.Options())), [rule]))
    tell(raising)
    [first] = shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1)])))
    [second] = shop.send(envelope(order_ship("D-2", [line("B", 1, shipped=DAY1)])))
    assert (first.reason, second.state) == ("bad-plan", EventState.APPLIED)
    assert shop.problems() == {"bad-plan"}
