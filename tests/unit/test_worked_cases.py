"""The worked cases of the stock rules, by number, with real webhook bodies through the whole of the worker.

Those of kits, 18, 19 and 21, are in ``test_worked_kits.py``.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from cases import DAY1, DAY2, DAY3, DAY5, DAY6, channel, with_rules

from stockhook.model import EventState, KitPolicy, Line, Problem, ProblemState, Shortage
from stockhook.operations.codes import alias, ignore
from stockhook.operations.events import replay
from stockhook.operations.problems import waive
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShipRule, ShortagePolicy
from stockhook.store import Store
from stockhook.testing.payloads import array, envelope, event, kit, line, order_create, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo


@pytest.fixture
def shop(request: pytest.FixtureRequest, each_store: Store) -> Shop:
    rules = getattr(request, "param", ChannelRules("shop"))
    return Shop(each_store, channel(), Fifo(Fifo.Options()), rules=rules)


def open_shortages(shop: Shop) -> list[Shortage]:
    return [row for row in shop.find(Shortage) if row.open]


def test_case_3_a_refund_after_shipping_leaves_what_had_shipped(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_refund("D-1", [line("A", 3, refunded=1)], refunded_at=DAY1)))
    shop.send(envelope(order_ship("D-1", [line("A", 3, refunded=1, shipped=DAY2)], refunded_at=DAY1)))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    shop.send(envelope(order_ship("D-1", [line("A", 3, refunded=2, shipped=DAY2)], refunded_at=DAY5)))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.problems() == set()


def test_case_5_refunded_in_full_a_second_before_it_closed(shop: Shop) -> None:
    shop.stock(A=10)
    body = order_ship(
        "D-1",
        [line("A", 3, refunded=3, shipped="2026-11-02T12:00:01-05:00")],
        refunded_at=DAY2,
        stage="Completed Order",
    )
    (event,) = shop.send(envelope(body))
    assert shop.booked("D-1") == {}
    assert (event.state, event.text) == (EventState.APPLIED, "all of it was refunded before it shipped: no stock moves")


def test_case_6_refunded_in_full_without_a_ship_date_on_the_line(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 3, refunded=3)], refunded_at=DAY2, stage="Completed Order")))
    assert shop.booked("D-1") == {}


def test_case_7_first_seen_after_shipping_and_refund_books_in_full_and_asks(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 2, refunded=1, shipped=DAY2)], refunded_at=DAY3)))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.problems() == {"refund-unclear"}


def test_case_8_an_inferred_shipment_is_taken_back_when_dates_come(shop: Shop) -> None:
    shop.stock(A=10, B=10)
    shop.send(envelope(order_ship("D-1", [line("A", 2), line("B", 3)], shipping_date=DAY1)))
    assert shop.booked("D-1") == {"A": 2 * ONE, "B": 3 * ONE}
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY2), line("B", 3)], shipping_date=DAY2)))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.problems() == set()
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY2), line("B", 3, shipped=DAY3)], shipping_date=DAY2)))
    assert shop.booked("D-1") == {"A": 2 * ONE, "B": 3 * ONE}


def test_case_9_two_centers_without_dates_wait_for_a_snapshot_that_says_more(shop: Shop) -> None:
    shop.stock(A=10, B=10)
    (event,) = shop.send(envelope(order_ship("D-1", [line("A", 2, center="EAST"), line("B", 3, center="WEST")])))
    assert (event.state, event.reason) == (EventState.PARKED, "shipped-unclear")
    assert shop.problems() == {"shipped-unclear"}
    shop.send(envelope(order_ship("D-1", [line("A", 2, center="EAST", shipped=DAY2), line("B", 3, center="WEST")])))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.problems() == set()
    assert shop.states("D-1") == ["applied", "applied"]


def test_case_10_the_second_part_before_the_first(shop: Shop) -> None:
    shop.stock(A=10, B=10)
    second = order_ship("D-1", [line("A", 2, shipped=DAY1), line("B", 3, shipped=DAY2)], shipping_date=DAY1)
    first = order_ship("D-1", [line("A", 2, shipped=DAY1), line("B", 3)], shipping_date=DAY1)
    shop.send(envelope(second))
    (event,) = shop.send(envelope(first))
    assert event.state is EventState.SUPERSEDED
    assert shop.booked("D-1") == {"A": 2 * ONE, "B": 3 * ONE}


def test_case_11_parts_that_list_only_their_own_lines(shop: Shop) -> None:
    shop.stock(A=10, B=10)
    shop.send(array(order_ship("D-1", [line("A", 2, index=1, shipped=DAY1)])))
    shop.send(array(order_ship("D-1", [line("B", 3, index=2, shipped=DAY2)])))
    shop.send(array(order_ship("D-1", [line("A", 2, index=1, shipped=DAY1)])))
    assert shop.booked("D-1") == {"A": 2 * ONE, "B": 3 * ONE}


def test_case_12_quantities_two_three_two_show_a_regression(shop: Shop) -> None:
    shop.stock(A=10)
    for quantity, day in ((2, DAY1), (3, DAY2), (2, DAY3)):
        shop.send(envelope(order_ship("D-1", [line("A", quantity, shipped=DAY1)], created=day)))
    assert shop.booked("D-1") == {"A": 3 * ONE}
    assert shop.problems() == {"regression"}


def test_case_13_two_accounts_with_the_same_order_id_are_two_orders(shop: Shop) -> None:
    shop.stock(A=10)
    other = Shop(shop.store, channel("OTHER"), Fifo(Fifo.Options()), name="other", clock=shop.clock)
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
    other.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)], merchant_id="OTHER")))
    assert shop.booked("D-1") == {"A": 5 * ONE}


def test_case_14_history_replayed_under_a_renamed_channel_books_nothing(shop: Shop) -> None:
    shop.stock(A=10)
    body = envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)]))
    shop.send(body)
    renamed = Shop(shop.store, channel(), Fifo(Fifo.Options()), name="renamed", clock=shop.clock)
    (event,) = renamed.send(body)
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert event.state in (EventState.UNCHANGED, EventState.APPLIED)


def test_case_14_stored_events_replayed_under_a_renamed_channel_are_read_by_it(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
    renamed = Shop(shop.store, channel(), Fifo(Fifo.Options()), name="renamed", clock=shop.clock)
    replay(renamed.desk, [1])
    renamed.work()
    assert (renamed.states("D-1"), renamed.problems()) == (["unchanged"], set())
    assert renamed.booked("D-1") == {"A": 2 * ONE}


def test_stored_events_of_a_channel_that_is_gone_are_not_read_by_one_of_another_account(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)])))
    moved = Shop(shop.store, channel("OTHER"), Fifo(Fifo.Options()), name="other", clock=shop.clock)
    replay(moved.desk, [1])
    moved.work()
    assert (moved.states("D-1"), moved.problems()) == (["failed"], {"quarantined"})


def test_case_15_a_code_mapped_later_settles_by_itself(shop: Shop) -> None:
    shop.stock(SOAP=100)
    (event,) = shop.send(envelope(order_ship("D-1", [line("SOAP-12PK", 2, shipped=DAY1)])))
    assert (event.state, event.reason) == (EventState.PARKED, "unknown-item")
    alias(shop.desk, "SOAP-12PK", "SOAP", factor=12 * ONE)
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 24 * ONE}
    assert shop.states("D-1") == ["applied"]
    assert shop.problems() == set()


def test_case_16_a_changed_alias_touches_booked_lines_only_when_asked(shop: Shop) -> None:
    shop.stock(SOAP=100)
    alias(shop.desk, "SOAP-12PK", "SOAP", factor=12 * ONE)
    body = envelope(order_ship("D-1", [line("SOAP-12PK", 2, shipped=DAY1)]))
    shop.send(body)
    alias(shop.desk, "SOAP-12PK", "SOAP", factor=10 * ONE)
    shop.work()
    shop.send(body)
    assert shop.booked("D-1") == {"SOAP": 24 * ONE}
    alias(shop.desk, "SOAP-12PK", "SOAP", factor=10 * ONE, rebook=True)
    assert shop.booked("D-1") == {"SOAP": 20 * ONE}
    assert shop.on_hand("SOAP") == 80 * ONE


def test_case_17_a_code_ignored_after_bookings_changes_nothing(shop: Shop) -> None:
    shop.stock(A=10)
    body = envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)]))
    shop.send(body)
    ignore(shop.desk, "A")
    shop.work()
    shop.send(body)
    assert shop.booked("D-1") == {"A": 2 * ONE}


def test_case_20_components_that_come_after_the_kit_was_booked_are_only_noted(shop: Shop) -> None:
    shop.stock(B=10, C=10)
    shop.kit("SET", B=2, C=1)
    shop.send(envelope(order_ship("D-1", [line("SET", 1, index=1, kit=True, shipped=DAY1)])))
    assert shop.booked("D-1") == {"B": 2 * ONE, "C": ONE}
    shop.send(envelope(order_ship("D-1", kit("SET", 1, [("B", 2), ("C", 1)], index=1, shipped=DAY1), created=DAY2)))
    assert shop.booked("D-1") == {"B": 2 * ONE, "C": ONE}
    assert shop.problems() == {"kit-mismatch"}


def test_case_22_what_was_waived_is_not_taken_from_a_later_receipt(shop: Shop) -> None:
    shop.stock(A=2)
    shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    assert shop.owed("A") == 3 * ONE
    (problem,) = shop.find(Problem, state=ProblemState.OPEN)
    waive(shop.desk, problem.id, None, "lost in the move")
    shop.receive(("A", 10))
    assert shop.on_hand("A") == 10 * ONE
    assert shop.problems() == set()


@with_rules(on_shortage=ShortagePolicy.LINE)
def test_case_26_a_line_is_settled_only_as_a_whole(shop: Shop) -> None:
    shop.stock(A=3)
    shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY1)])))
    assert shop.booked("D-1") == {}
    assert shop.owed("A") == 5 * ONE
    shop.receive(("A", 2))
    assert shop.booked("D-1") == {"A": 5 * ONE}
    assert shop.owed("A") == 0


def test_case_27_an_order_edited_down_withdraws_what_was_owed(shop: Shop) -> None:
    shop.stock(A=2)
    shop.send(envelope(order_ship("D-1", [line("A", 3, shipped=DAY1)])))
    shop.send(envelope(event("order_update", "D-1", [line("A", 2)], created=DAY2)))
    shop.receive(("A", 10))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.on_hand("A") == 10 * ONE
    assert [(row.open, row.withdrawn) for row in shop.find(Shortage)] == [(0, ONE)]


def test_case_28_a_code_mapped_after_the_payload_was_removed_settles(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("NEW-A", 2, shipped=DAY1)])))
    shop.clock.advance(timedelta(days=31))
    assert shop.store.prune(shop.clock.now() - timedelta(days=30), 100) == 1
    alias(shop.desk, "new-a", "A")
    shop.work()
    assert shop.booked("D-1") == {"A": 2 * ONE}


def test_case_29_a_lot_is_good_through_its_last_day_where_it_shipped(shop: Shop) -> None:
    shop.items("A")
    shop.receive(("A", 5), lot="L1", expires_on=date(2027, 3, 31))
    shop.clock.advance(timedelta(days=160))
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped="2027-03-31T23:30:00-05:00")])))
    shop.send(envelope(order_ship("D-2", [line("A", 2, shipped="2027-04-01T00:30:00-04:00")])))
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert shop.booked("D-2") == {}


def test_case_30_the_newer_code_counts_while_nothing_is_booked(shop: Shop) -> None:
    shop.stock(X=10, Y=10)
    shop.send(envelope(order_create("D-1", [line("X", 2)])))
    shop.send(envelope(order_ship("D-1", [line("Y", 2, shipped=DAY3)])))
    assert shop.booked("D-1") == {"Y": 2 * ONE}


def test_case_31_lines_whose_indexes_shift_are_keyed_anew(shop: Shop) -> None:
    shop.stock(A=10, B=10, C=10)
    shop.send(
        envelope(
            order_ship("D-1", [line("A", 1, shipped=DAY1), line("B", 2, shipped=DAY1), line("C", 3, shipped=DAY1)])
        )
    )
    shop.send(envelope(order_ship("D-1", [line("B", 2, shipped=DAY1), line("C", 3, shipped=DAY1)], created=DAY2)))
    assert shop.booked("D-1") == {"A": ONE, "B": 2 * ONE, "C": 3 * ONE}
    (problem,) = shop.find(Problem, state=ProblemState.OPEN)
    assert problem.kind == "regression"
    assert "1 more A" in problem.text
    assert [(known.number, known.item_index) for known in reversed(shop.find(Line))] == [(1, 3), (2, 1), (3, 2)]


@with_rules(since=datetime(2026, 11, 9, tzinfo=UTC))
def test_case_32_what_shipped_before_the_opening_stock_moves_nothing(shop: Shop) -> None:
    shop.stock(A=10)
    (event,) = shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY6)])))
    assert (event.state, event.reason) == (EventState.IGNORED, "before-start")
    assert shop.on_hand("A") == 10 * ONE


@pytest.mark.parametrize("shipped_rule", [ShipRule.AUTO, ShipRule.LINE, ShipRule.ORDER])
def test_a_refund_worked_before_its_shipment_ends_like_the_other_way_round(shipped_rule: ShipRule) -> None:
    ends = []
    shipped = order_ship("D-1", [line("A", 3, shipped=DAY2)], shipping_date=DAY2)
    refunded = order_refund("D-1", [line("A", 3, refunded=1, shipped=DAY2)], shipping_date=DAY2, refunded_at=DAY5)
    for bodies in ((shipped, refunded), (refunded, shipped)):
        store = MemoryStore()
        store.open()
        shop = Shop(store, channel(), Fifo(Fifo.Options()), rules=ChannelRules("shop", ship_rule=shipped_rule))
        shop.stock(A=10)
        for body in bodies:
            shop.send(envelope(body))
        ends.append((shop.booked("D-1"), shop.problems()))
    assert ends[0] == ends[1] == ({"A": 3 * ONE}, set())


def test_a_fraction_of_a_unit_is_booked_exactly(shop: Shop) -> None:
    shop.stock(A="1.5")
    shop.send(envelope(order_ship("D-1", [line("A", Decimal("0.1"), shipped=DAY1)])))
    shop.send(envelope(order_ship("D-2", [line("A", Decimal("0.2"), shipped=DAY1)])))
    assert shop.on_hand("A") == 1_200_000


@with_rules(kits=KitPolicy.PARENT)
def test_a_kit_taken_as_its_parent_consumes_the_kit_and_no_component(shop: Shop) -> None:
    shop.stock(SET=5, B=10)
    shop.send(envelope(order_ship("D-1", kit("SET", 2, [("B", 4)], index=1, shipped=DAY1))))
    assert shop.booked("D-1") == {"SET": 2 * ONE}
