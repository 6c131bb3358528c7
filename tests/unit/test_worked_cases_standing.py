"""Worked cases of what is owed below zero, comes back, or was counted, on both stores, and what lies beside them."""

from datetime import UTC, datetime, timedelta

import pytest
from cases import DAY1, DAY2, DAY5, DAY6, channel, with_rules

from stockhook.model import EventState, Location, Movement, MovementKind, Problem, ProblemState, Shortage, Unit
from stockhook.operations.due import sweep
from stockhook.operations.problems import reopen, waive
from stockhook.operations.recall import recall_lot
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Store
from stockhook.testing.payloads import envelope, event, kit, line, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.strategies.received import Fifo

NINE = "2026-12-02T09:00:00Z"
TEN = datetime(2026, 12, 2, 10, tzinfo=UTC)
RESTOCKED = frozenset({"unwanted"})


@pytest.fixture
def shop(request: pytest.FixtureRequest, each_store: Store) -> Shop:
    rules = getattr(request, "param", ChannelRules("shop"))
    return Shop(each_store, channel(), Fifo(Fifo.Options()), rules=rules)


def sound(shop: Shop) -> bool:
    return [check for check in verify(shop.desk) if not check.ok] == []


def ship(shop: Shop, order_id: str, quantity: int, shipped: str = DAY2, **more: object) -> None:
    shop.send(envelope(order_ship(order_id, [line("A", quantity, shipped=shipped)], **more)))


def moves(shop: Shop, *kinds: MovementKind) -> list[tuple[int, int]]:
    found = reversed(shop.find(Movement, kind=frozenset(kinds)))
    return [(movement.unit_id, movement.quantity // ONE) for movement in found]


# --- what comes back ---


def refunded(quantity: int, day: str = DAY5, reason: str | None = "Unwanted", total: int = 3) -> bytes:
    one = line("A", total, refunded=quantity, shipped=DAY2, return_reason=reason)
    return envelope(order_refund("D-1", [one], refunded_at=day, created=day))


@with_rules(restock_reasons=RESTOCKED)
def test_case_4_what_was_refunded_after_shipping_for_a_reason_that_restocks_comes_back(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_refund("D-1", [line("A", 3, refunded=1)], refunded_at=DAY1)))
    shop.send(envelope(order_ship("D-1", [line("A", 3, refunded=1, shipped=DAY2)], refunded_at=DAY1)))
    fetched = order_ship(
        "D-1", [line("A", 3, refunded=2, shipped=DAY2, return_reason=" UNWANTED")], refunded_at=DAY5, created=DAY5
    )
    (found,) = shop.send(envelope(fetched))
    assert (found.state, found.text) == (EventState.APPLIED, "1 of A came back")
    assert (shop.booked("D-1"), shop.returned("D-1")) == ({"A": 2 * ONE}, {"A": ONE})
    shop.send(envelope(fetched))
    shop.send(envelope(fetched | {"creation_dts": DAY6}))
    assert shop.returned("D-1") == {"A": ONE}
    assert shop.on_hand("A") == 9 * ONE
    assert shop.problems() == set()
    assert sound(shop)


def test_a_refund_is_money_and_the_line_is_listed_for_a_person(shop: Shop) -> None:
    shop.stock(A=10)
    ship(shop, "D-1", 3)
    (found,) = shop.send(refunded(1))
    assert shop.on_hand("A") == 7 * ONE
    assert found.state is EventState.APPLIED
    assert "1 of A refunded after shipping: nothing comes back by itself" in (found.text or "")
    assert "stockhook orders correct D-1 1 --returned 1" in (found.text or "")


@with_rules(restock_reasons=RESTOCKED)
def test_case_33_a_refund_worked_before_its_shipment_returns_the_same(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(refunded(2))
    assert shop.booked("D-1") == {}
    ship(shop, "D-1", 3)
    shop.send(refunded(2))
    assert (shop.booked("D-1"), shop.returned("D-1")) == ({"A": 3 * ONE}, {"A": 2 * ONE})


@with_rules(restock_reasons=RESTOCKED)
def test_each_return_names_the_consumption_taken_last_and_goes_back_to_its_unit(shop: Shop) -> None:
    shop.stock(A=2)
    shop.receive(("A", 5))
    ship(shop, "D-1", 3)
    for total in (1, 2, 3, 2):
        shop.send(refunded(total, day=f"2026-11-{10 + total}T12:00:00-05:00"))
    first, second = (unit.id for unit in reversed(shop.find(Unit)))
    assert moves(shop, MovementKind.RETURN) == [(second, 1), (first, 1), (first, 1)]
    taken = {movement.id: movement.unit_id for movement in shop.find(Movement, kind=MovementKind.CONSUMPTION)}
    assert all(taken[move.reverses or 0] == move.unit_id for move in shop.find(Movement, kind=MovementKind.RETURN))
    assert shop.on_hand("A") == 7 * ONE


@with_rules(restock_reasons=RESTOCKED)
def test_never_more_comes_back_than_was_consumed_until_what_was_owed_is_found(shop: Shop) -> None:
    shop.stock(A=2)
    ship(shop, "D-1", 5)
    shop.send(refunded(4, total=5))
    assert shop.on_hand("A") == ONE, "2 were there, 5 have left, and 4 came back"
    assert shop.owed("A") == 0
    assert sound(shop)


@with_rules(restock_reasons=RESTOCKED)
def test_what_a_receipt_settles_and_comes_back_at_once_settles_what_is_owed_besides(shop: Shop) -> None:
    shop.items("A")
    ship(shop, "D-1", 5)
    shop.send(refunded(4, total=5))
    shop.receive(("A", 3))
    shop.work()
    assert (shop.owed("A"), shop.on_hand("A")) == (0, 2 * ONE)
    assert sound(shop)


@with_rules(restock_reasons=RESTOCKED, restock_to="MAIN/RETURNS")
def test_what_comes_back_elsewhere_keeps_what_it_was_and_is_not_picked_from_until_somebody_looks(shop: Shop) -> None:
    shop.items("A")
    shop.receive(("A", 3), lot="L1", unit_cost=5 * ONE)
    ship(shop, "D-1", 3)
    shop.send(refunded(1))
    shop.send(refunded(2, day=DAY6))
    back, origin = shop.find(Unit)
    assert (back.location, back.quantity, back.lot, back.unit_cost) == ("MAIN/RETURNS", 2 * ONE, "L1", 5 * ONE)
    assert (back.received_at, back.reference) == (origin.received_at, f"returned from unit {origin.id}")
    (place,) = shop.find(Location, path="MAIN/RETURNS")
    assert not place.pickable
    ship(shop, "D-2", 1)
    assert shop.owed("A") == ONE
    assert sound(shop)


@with_rules(restock_reasons=RESTOCKED, restock_to="MAIN/RETURNS")
def test_what_comes_back_to_a_place_that_is_picked_from_settles_what_is_owed(shop: Shop) -> None:
    shop.stock(A=3)
    with shop.store.write() as work:
        work.save([Location("MAIN/RETURNS")])
    ship(shop, "D-1", 3)
    ship(shop, "D-2", 1)
    assert shop.owed("A") == ONE
    shop.send(refunded(2))
    shop.work()
    assert shop.owed("A") == 0
    assert shop.booked("D-2") == {"A": ONE}
    assert shop.problems() == set()


@with_rules(restock_reasons=RESTOCKED)
def test_a_refund_of_a_kit_alone_returns_its_components_in_proportion(shop: Shop) -> None:
    shop.stock(B=10, C=10)
    shop.send(envelope(order_ship("D-1", kit("SET", 2, [("B", 4), ("C", 2)], index=1, shipped=DAY2))))
    lines = kit("SET", 2, [("B", 4), ("C", 2)], index=1, shipped=DAY2)
    lines[0] |= {"quantity_refunded": 1, "return_reason": "unwanted"}
    shop.send(envelope(order_refund("D-1", lines, refunded_at=DAY5, created=DAY5)))
    assert shop.returned("D-1") == {"B": 2 * ONE, "C": ONE}


# --- below zero ---


@with_rules(on_shortage=ShortagePolicy.NEGATIVE)
def test_case_25_goods_that_come_take_the_place_of_what_was_below_zero_and_a_recall_finds_the_order(shop: Shop) -> None:
    shop.stock(A=2)
    (found,) = shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=DAY2)])))
    assert (found.state, found.reason) == (EventState.SHORT, "insufficient-inventory")
    assert (shop.booked("D-1"), shop.suspended("D-1"), shop.owed("A")) == ({"A": 2 * ONE}, {"A": 3 * ONE}, 3 * ONE)
    assert [unit.quantity for unit in shop.find(Unit, suspense=True)] == [-3 * ONE]
    assert sound(shop)
    shop.receive(("A", 10), lot="L9")
    assert (shop.booked("D-1"), shop.suspended("D-1"), shop.owed("A")) == ({"A": 5 * ONE}, {}, 0)
    (order,) = recall_lot(shop.desk, "L9").shipments
    assert (order.order_id, order.out) == ("D-1", 3 * ONE)
    assert shop.states("D-1") == ["applied"]
    assert shop.problems() == set()
    assert sound(shop)


@with_rules(on_shortage=ShortagePolicy.NEGATIVE)
def test_an_item_has_one_suspense_unit_whichever_order_needs_it(shop: Shop) -> None:
    shop.items("A")
    shop.send(envelope(*(order_ship(f"D-{n}", [line("A", n, shipped=DAY2)]) for n in (1, 2))))
    ship(shop, "D-3", 3)
    (unit,) = shop.find(Unit)
    assert (unit.suspense, unit.location, unit.quantity) == (True, "", -6 * ONE)
    shop.receive(("A", 2))
    assert shop.owed("A") == 4 * ONE
    assert [one.quantity for one in shop.find(Unit, suspense=True)] == [-4 * ONE]
    assert sound(shop)


@with_rules(on_shortage=ShortagePolicy.NEGATIVE)
def test_a_suspense_unit_may_be_needed_first_by_an_order_that_was_decided_before_without_it(shop: Shop) -> None:
    shop.stock(A=1)
    first = order_ship("D-1", [line("A", 1, shipped=DAY2)])
    again = order_ship("D-1", [line("A", 1, shipped=DAY2), line("A", 2, index=2, shipped=DAY2)], created=DAY5)
    shop.send(envelope(first, order_ship("D-2", [line("A", 3, shipped=DAY2)]), again))
    assert (shop.booked("D-1"), shop.suspended("D-1"), shop.suspended("D-2")) == (
        {"A": ONE},
        {"A": 2 * ONE},
        {"A": 3 * ONE},
    )
    assert len(shop.find(Unit, suspense=True)) == 1
    assert sound(shop)


@with_rules(on_shortage=ShortagePolicy.NEGATIVE)
def test_what_is_waived_or_withdrawn_is_no_longer_below_zero(shop: Shop) -> None:
    shop.items("A")
    ship(shop, "D-1", 5)
    (problem,) = shop.find(Problem, state=ProblemState.OPEN)
    waive(shop.desk, problem.id, 2 * ONE, "lost")
    assert shop.suspended("D-1") == {"A": 3 * ONE}
    shop.send(envelope(event("order_update", "D-1", [line("A", 4)], created=DAY5)))
    assert (shop.suspended("D-1"), shop.owed("A")) == ({"A": 2 * ONE}, 2 * ONE)
    reopen(shop.desk, problem.id)
    assert shop.suspended("D-1") == {"A": 4 * ONE}
    assert sound(shop)


def test_what_was_owed_before_the_policy_was_chosen_is_below_zero_from_the_first_sweep_on(shop: Shop) -> None:
    shop.items("A")
    ship(shop, "D-1", 5)
    assert shop.suspended("D-1") == {}
    negative = ChannelRules("shop", on_shortage=ShortagePolicy.NEGATIVE)
    later = Shop(shop.store, channel(), Fifo(Fifo.Options()), rules=negative, clock=shop.clock)
    sweep(later.desk)
    later.work()
    assert later.suspended("D-1") == {"A": 5 * ONE}
    ship(shop, "D-1", 6, created=DAY5)
    assert (shop.owed("A"), shop.suspended("D-1")) == (6 * ONE, {"A": 5 * ONE})
    shop.receive(("A", 3))
    assert (shop.owed("A"), shop.suspended("D-1")) == (3 * ONE, {"A": 3 * ONE})
    assert sound(shop)


# --- counted ---


def counted(shop: Shop, quantity: int, at: datetime | None = None) -> None:
    count(shop.desk, [Tally(quantity * ONE, sku="A", location="MAIN")], at)


@pytest.mark.parametrize("policy", [ShortagePolicy.PARTIAL, ShortagePolicy.LINE, ShortagePolicy.NEGATIVE])
def test_case_23_a_count_of_the_shelf_ends_what_was_owed(each_store: Store, policy: ShortagePolicy) -> None:
    shop = Shop(each_store, channel(), Fifo(Fifo.Options()), rules=ChannelRules("shop", on_shortage=policy))
    shop.items("A")
    ship(shop, "D-1", 3)
    counted(shop, 4)
    assert [(row.open, row.counted, row.settled) for row in shop.find(Shortage)] == [(0, 3 * ONE, 0)]
    assert (shop.owed("A"), shop.booked("D-1"), shop.suspended("D-1")) == (0, {}, {})
    assert shop.problems() == set()
    assert shop.states("D-1") == ["applied"]
    shop.receive(("A", 10))
    ship(shop, "D-1", 3)
    assert shop.on_hand("A") == 14 * ONE
    assert sound(shop)


def test_case_24_what_shipped_before_a_count_and_is_worked_behind_it_leaves_the_counted_quantity(shop: Shop) -> None:
    shop.stock(A=7)
    shop.clock.advance(TEN + timedelta(hours=1) - shop.clock.now())
    counted(shop, 5, TEN)
    (found,) = shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=NINE)])))
    assert shop.on_hand("A") == 5 * ONE
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert found.text == "booked 2 of A; 2 of A had left before the shelf was counted: the count stands"
    ship(shop, "D-2", 1, shipped="2026-12-02T10:30:00Z")
    assert shop.on_hand("A") == 4 * ONE
    assert sound(shop)


def test_what_lacks_of_a_line_that_shipped_before_a_count_is_never_owed_but_seen(shop: Shop) -> None:
    shop.stock(A=2)
    shop.clock.advance(TEN + timedelta(hours=1) - shop.clock.now())
    counted(shop, 2, TEN)
    (found,) = shop.send(envelope(order_ship("D-1", [line("A", 5, shipped=NINE)])))
    assert found.state is EventState.APPLIED
    assert [(row.quantity, row.open, row.counted) for row in shop.find(Shortage)] == [(3 * ONE, 0, 3 * ONE)]
    assert shop.on_hand("A") == 2 * ONE
    assert shop.problems() == set()
    shop.receive(("A", 10))
    assert shop.on_hand("A") == 12 * ONE
    assert sound(shop)


def test_a_shipment_taken_back_leaves_the_counted_quantity_as_well(shop: Shop) -> None:
    shop.stock(A=7, B=7)
    shop.clock.advance(TEN + timedelta(hours=1) - shop.clock.now())
    counted(shop, 5, TEN)
    shop.send(envelope(order_ship("D-1", [line("A", 2), line("B", 1)], shipping_date=NINE)))
    assert shop.on_hand("A") == 5 * ONE
    shop.send(envelope(order_ship("D-1", [line("A", 2), line("B", 1, shipped=NINE)], shipping_date=NINE)))
    assert (shop.booked("D-1"), shop.on_hand("A")) == ({"B": ONE}, 5 * ONE)
    assert sound(shop)


@with_rules(restock_reasons=RESTOCKED)
def test_what_comes_back_of_goods_that_left_before_a_count_is_more_on_the_shelf(shop: Shop) -> None:
    shop.stock(A=7)
    shop.clock.advance(TEN + timedelta(hours=1) - shop.clock.now())
    counted(shop, 5, TEN)
    ship(shop, "D-1", 2, shipped=NINE)
    back = line("A", 2, refunded=1, shipped=NINE, return_reason="unwanted")
    shop.send(envelope(order_refund("D-1", [back], refunded_at="2026-12-02T11:30:00Z")))
    assert shop.on_hand("A") == 6 * ONE
    assert sound(shop)
