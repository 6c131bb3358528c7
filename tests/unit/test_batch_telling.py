"""What a batch tells of its orders, and how it settles them one after the other."""

from typing import Any

import pytest

from stockhook.batch import Batch, Policies
from stockhook.choice import Choices
from stockhook.draft import Cause
from stockhook.model import (
    EventState,
    OrderKey,
    Problem,
    ProblemState,
    Shortage,
)
from stockhook.operations.codes import alias, ignore
from stockhook.operations.problems import acknowledge
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.strategy import method
from stockhook.testing.payloads import envelope, event, kit, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
DAY3 = "2026-11-03T12:00:00-05:00"


KEY = OrderKey("ultracart:DEMO", "D-1")


def open_shop(**rules: Any) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()), rules=ChannelRules("shop", **rules))


@pytest.fixture
def shop() -> Shop:
    return open_shop()


def counts(shop: Shop) -> dict[str, int]:
    return {problem.kind: problem.count for problem in shop.find(Problem, state=ProblemState.OPEN)}


def test_a_kit_that_is_not_as_defined_is_counted_once_for_what_settles_later(shop: Shop) -> None:
    shop.stock(B=1)
    shop.kit("SET", B=3)
    shop.send(envelope(order_ship("D-1", kit("SET", 1, [("B", 2)], index=1, shipped=DAY1))))
    shop.stock(B=5)
    assert counts(shop) == {"kit-mismatch": 1}


def test_a_refusal_that_a_person_acknowledged_stays_quiet_for_the_same_event_again(shop: Shop) -> None:
    shop.stock(A=10)
    body = envelope(order_ship("D-1", [line("A", 2, refunded=1, shipped=DAY1)], refunded_at=DAY2))
    shop.send(body)
    (problem,) = shop.find(Problem, state=ProblemState.OPEN)
    assert problem.kind == "refund-unclear"
    acknowledge(shop.desk, problem.id)
    shop.send(body)
    assert shop.problems() == set()
    shop.send(envelope(order_ship("D-1", [line("A", 3, refunded=2, shipped=DAY1)], refunded_at=DAY3)))
    assert shop.problems() == set()


def test_an_acknowledged_regression_speaks_up_when_it_grows(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    less = envelope(order_ship("D-1", [line("A", 4, shipped=DAY1)], created=DAY2))
    shop.send(less)
    acknowledge(shop.desk, shop.find(Problem)[0].id)
    shop.send(less)
    assert shop.problems() == set()
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)], created=DAY3)))
    assert shop.problems() == {"regression"}


def test_a_refund_of_a_line_that_moves_no_stock_is_nobodys_question(shop: Shop) -> None:
    shop.stock(A=10)
    ignore(shop.desk, "FEE")
    shop.send(envelope(order_ship("D-1", [line("FEE", 2, refunded=1, shipped=DAY1)], refunded_at=DAY2)))
    assert shop.problems() == set()


def test_under_policy_order_an_order_waits_reserves_nothing_and_books_when_all_is_there() -> None:
    shop = open_shop(on_shortage=ShortagePolicy.ORDER)
    shop.stock(A=2, B=10)
    (seen,) = shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1), line("B", 1, shipped=DAY1)])))
    assert (seen.state, seen.reason) == (EventState.PARKED, "insufficient-inventory")
    assert shop.find(Shortage) == []
    shop.send(envelope(order_ship("D-2", [line("A", 2, shipped=DAY1)])))
    assert shop.booked("D-2") == {"A": 2 * ONE}
    shop.receive(("A", 4))
    assert shop.states("D-1") == ["parked"]
    assert counts(shop) == {"insufficient-inventory": 1}
    shop.receive(("A", 1))
    assert shop.booked("D-1") == {"A": 5 * ONE, "B": ONE}
    assert shop.states("D-1") == ["applied"]
    assert shop.problems() == set()


def test_a_receipt_settles_the_order_that_shipped_first(shop: Shop) -> None:
    shop.items("A")
    shop.send(envelope(order_ship("D-2", [line("A", 2, shipped=DAY1)])))
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
    shop.receive(("A", 3))
    assert shop.booked("D-2") == {"A": 2 * ONE}
    assert shop.booked("D-1") == {"A": ONE}


def test_an_order_whose_channel_is_gone_is_still_worked(shop: Shop) -> None:
    shop.stock(A=10)
    policies = Policies({"other": ChannelRules("other")}, Choices(method(Fifo(Fifo.Options()))))
    shop.send(envelope(order_ship("D-1", [line("NEW", 2, shipped=DAY1)])))
    alias(shop.desk, "NEW", "A")
    with shop.store.write() as work:
        batch = Batch(policies, work, [KEY])
        batch.again(KEY, Cause(shop.clock.now(), "worker"))
        work.book(batch.bookings())
    assert shop.booked("D-1") == {"A": 2 * ONE}


def test_a_test_order_flagged_after_it_was_booked_is_shown_and_not_given_back(shop: Shop) -> None:
    shop.stock(A=1)
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)])))
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)], created=DAY2, test=True)))
    assert shop.booked("D-1") == {"A": ONE}
    assert shop.owed("A") == 0
    assert shop.problems() == {"regression"}
    shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1)], created=DAY3)))
    assert shop.problems() == set()


def test_an_inferred_shipment_is_taken_back_with_what_was_owed_for_it(shop: Shop) -> None:
    shop.stock(A=2, B=1)
    shop.send(envelope(order_ship("D-1", [line("A", 5), line("B", 1)], shipping_date=DAY1)))
    assert shop.owed("A") == 3 * ONE
    dated = order_ship("D-1", [line("A", 5), line("B", 1, shipped=DAY2)], shipping_date=DAY1, created=DAY2)
    shop.send(envelope(dated))
    assert (shop.booked("D-1"), shop.owed("A"), shop.on_hand("A")) == ({"B": ONE}, 0, 2 * ONE)
    assert shop.problems() == set()


def test_pinned_lots_are_taken_and_no_others(shop: Shop) -> None:
    shop.items("A")
    shop.receive(("A", 5), lot="L1")
    shop.receive(("A", 1), lot="l2")
    shop.send(envelope(order_ship("D-1", [line("A", 1, shipped=DAY1), line("A", 2, shipped=DAY1, lots=["L2 "])])))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.owed("A") == ONE
    assert shop.on_hand("A") == 4 * ONE


def test_a_refund_of_the_kit_line_alone_counts_for_its_components_in_proportion(shop: Shop) -> None:
    shop.stock(B=10, C=10)
    lines = kit("SET", 2, [("B", 4), ("C", 2)], index=1, shipped=DAY2)
    lines[0]["quantity_refunded"] = 1
    shop.send(envelope(order_ship("D-1", lines, refunded_at=DAY1)))
    assert shop.booked("D-1") == {"B": 2 * ONE, "C": ONE}


def test_a_refund_of_a_kit_that_is_no_whole_unit_of_a_component_is_for_a_person_and_the_order_is_booked(
    shop: Shop,
) -> None:
    shop.stock(B=10, C=10)
    alias(shop.desk, "B-PART", "B", ONE // 4)
    lines = kit("SET", 3, [("B-PART", 1), ("C", 4)], index=1, shipped=DAY2)
    lines[0]["quantity_refunded"] = 1
    (seen,) = shop.send(envelope(order_ship("D-1", lines, refunded_at=DAY1)))
    assert shop.booked("D-1") == {"B": ONE // 4, "C": 3 * ONE}
    assert seen.state is EventState.APPLIED
    texts = [problem.text for problem in shop.find(Problem, kind="refund-unclear")]
    assert ["comes to 0.333333 of line" in told for told in texts] == [True, True]


class TestLineConflict:
    def test_the_line_alone_waits_and_its_booking_stands(self, shop: Shop) -> None:
        shop.stock(A=10, X=10, B=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
        lines = [line("X", 3, shipped=DAY1), line("B", 1, shipped=DAY1)]
        (seen,) = shop.send(envelope(order_ship("D-1", lines, created=DAY2)))
        assert shop.booked("D-1") == {"A": 2 * ONE, "B": ONE}
        assert (seen.state, seen.reason) == (EventState.SHORT, "line-conflict")
        assert shop.problems() == {"line-conflict"}

    def test_it_ends_when_the_store_says_the_old_code_again(self, shop: Shop) -> None:
        shop.stock(A=10, X=10)
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
        shop.send(envelope(order_ship("D-1", [line("X", 3, shipped=DAY1)], created=DAY2)))
        shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)], created=DAY3)))
        assert shop.problems() == set()
        assert shop.states("D-1") == ["applied"] * 3

    def test_two_codes_that_mean_the_same_are_no_conflict(self, shop: Shop) -> None:
        shop.stock(A=10)
        alias(shop.desk, "A-OLD", "A")
        shop.send(envelope(order_ship("D-1", [line("A-OLD", 2, shipped=DAY1)])))
        shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)], created=DAY2)))
        assert shop.booked("D-1") == {"A": 3 * ONE}
        assert shop.problems() == set()


def test_a_code_that_is_waited_for_and_no_longer_asked_for_in_one_batch_is_no_problem(shop: Shop) -> None:
    shop.stock(A=10)
    undated = order_ship("D-1", [line("A", 1), line("NEW", 1)], shipping_date=DAY1)
    dated = order_ship("D-1", [line("A", 1, shipped=DAY2), line("NEW", 1)], shipping_date=DAY1, created=DAY2)
    shop.send(envelope(undated, dated))
    assert shop.find(Problem) == []


def test_a_shortage_that_comes_and_goes_in_one_batch_is_no_problem(shop: Shop) -> None:
    shop.stock(A=1)
    less = event("order_update", "D-1", [line("A", 1)], created=DAY2)
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)]), less))
    assert shop.find(Problem) == []
