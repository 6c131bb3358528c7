"""The replay of history: under the strategy that was used it is the book itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlite_file
from hypothesis import given, settings
from hypothesis import strategies as st

from stockhook.choice import AllocationRule, Choices
from stockhook.errors import Refused
from stockhook.model import Location, Problem, Unit
from stockhook.operations import ledger_replay
from stockhook.operations.corrections.amounts import set_quantity
from stockhook.operations.ledger_replay import first_since
from stockhook.operations.problems import waive
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.holds import hold, release
from stockhook.operations.stock.transfers import move
from stockhook.operations.what_if import WhatIf, what_if
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Store
from stockhook.strategy import Strategy, method
from stockhook.testing.clock import START
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook.worker import Worker
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.expiry import Fefo
from stockhook_plugins.strategies.received import Fifo, Lifo

SHIPPED = "2026-11-02T12:00:00-05:00"
FIFO, LIFO, FEFO = (method(made(made.Options())) for made in (Fifo, Lifo, Fefo))


def open_shop(
    store: Store | None = None, policy: ShortagePolicy = ShortagePolicy.PARTIAL, strategy: Strategy | None = None
) -> Shop:
    store = store or MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    rules = ChannelRules("shop", on_shortage=policy)
    shop = Shop(store, channel, strategy or Fifo(Fifo.Options()), rules=rules)
    shop.items("SOAP", "BOX")
    with store.write() as work:
        work.save([Location("MAIN/B")])
    return shop


@pytest.fixture(params=["memory", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    made = open_shop(None if request.param == "memory" else sqlite_file.at(tmp_path / "book.db"))
    yield made
    made.store.close()


def ship(shop: Shop, order_id: str, *lines: tuple[str, int], **more: Any) -> None:
    shown = [line(code, quantity, shipped=SHIPPED, **more) for code, quantity in lines]
    shop.send(envelope(order_ship(order_id, shown)))


def left(found: WhatIf) -> dict[int, tuple[int, int]]:
    return {each.unit.id: (each.present // ONE, each.other // ONE) for each in found.remains}


def test_another_strategy_leaves_other_units_and_another_value(shop: Shop) -> None:
    shop.receive(("SOAP", 10), unit_cost=ONE)
    shop.clock.advance(timedelta(hours=1))
    shop.receive(("SOAP", 10), unit_cost=3 * ONE)
    ship(shop, "D-1", ("SOAP", 4))
    ship(shop, "D-2", ("SOAP", 8))
    found = what_if(shop.desk, LIFO, START)
    assert (found.movements, found.needs, found.as_booked) == (5, 2, 2)
    assert left(found) == {1: (0, 8), 2: (8, 0)}
    assert (found.present.value, found.other.value) == (24 * ONE, 8 * ONE)
    assert (found.present.figures.cost, found.other.figures.cost) == (16 * ONE, 32 * ONE)
    assert (found.present.figures.takes, found.other.figures.takes) == (3, 3)
    assert (found.present.opened, found.other.opened, found.present.stocked) == (1, 1, 1)


def test_the_replay_begins_with_the_stock_of_the_moment(shop: Shop) -> None:
    shop.receive(("SOAP", 10))
    ship(shop, "D-1", ("SOAP", 4))
    shop.clock.advance(timedelta(hours=1))
    since = shop.clock.now()
    shop.receive(("SOAP", 10))
    ship(shop, "D-2", ("SOAP", 7))
    assert left(what_if(shop.desk, LIFO, since)) == {1: (0, 6), 2: (9, 3)}
    nothing = what_if(shop.desk, LIFO, shop.clock.advance(timedelta(hours=1)))
    assert (nothing.movements, nothing.needs, nothing.remains, nothing.other.left) == (0, 0, (), 9 * ONE)


def test_goods_past_their_date_are_told_side_by_side(shop: Shop) -> None:
    for day in (date(2027, 5, 1), date(2026, 11, 20)):
        shop.receive(("SOAP", 5), expires_on=day, unit_cost=2 * ONE)
        shop.clock.advance(timedelta(hours=1))
    ship(shop, "D-1", ("SOAP", 5))
    found = what_if(shop.desk, FEFO, START)
    assert (found.present.expired, found.present.expired_value, found.other.expired) == (5 * ONE, 10 * ONE, 0)
    assert (found.present.figures.least_days, found.other.figures.least_days) == (180, 18)
    assert (found.present.figures.past_date, found.other.figures.past_date) == (0, 0)


@pytest.mark.parametrize(("zone", "expired"), [("UTC", 5), ("America/New_York", 0)])
def test_goods_that_are_good_up_to_the_day_before_are_past_their_date_on_it(zone: str, expired: int) -> None:
    shop = open_shop()
    shop.clock.advance(timedelta(hours=26 - shop.clock.now().hour))
    shop.receive(("SOAP", 5), expires_on=shop.clock.now().date())
    rules = {"shop": replace(shop.rules, time_zone=ZoneInfo(zone))}
    choices = Choices(replace(FIFO, last_day_good=False))
    shop.desk = replace(shop.desk, policies=replace(shop.desk.policies, rules=rules, choices=choices))
    found = what_if(shop.desk, FIFO, START)
    assert (found.present.expired, found.other.expired) == (expired * ONE, 0)


def test_what_one_strategy_owes_and_another_does_not_is_told_and_settled_by_what_comes_in(shop: Shop) -> None:
    shop.receive(("SOAP", 5), expires_on=date(2026, 11, 3))
    shop.receive(("SOAP", 5), expires_on=date(2027, 11, 3))
    ship(shop, "D-1", ("SOAP", 5))
    late = [line("SOAP", 5, shipped="2026-11-04T12:00:00-05:00")]
    shop.send(envelope(order_ship("D-2", late)))
    worse = what_if(shop.desk, method(Fefo(Fefo.Options()), min_shelf_life_days=30), START)
    assert (worse.present.owed, worse.other.owed, worse.other.figures.missing) == (0, 5 * ONE, 5 * ONE)
    shop.receive(("SOAP", 9))
    settled = what_if(shop.desk, method(Fefo(Fefo.Options()), min_shelf_life_days=30), START)
    assert (settled.other.owed, settled.other.left, settled.present.left) == (0, 9 * ONE, 9 * ONE)
    assert left(settled) == {1: (0, 5), 3: (9, 4)}


def test_what_comes_back_goes_back_to_where_it_was_taken_from(shop: Shop) -> None:
    shop.receive(("SOAP", 5))
    shop.clock.advance(timedelta(hours=1))
    shop.receive(("SOAP", 5))
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1), line("SOAP", 3)])))
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED), line("SOAP", 3)])))
    assert left(what_if(shop.desk, LIFO, START)) == {1: (4, 5), 2: (5, 4)}


def test_what_a_person_chose_stays_chosen(shop: Shop) -> None:
    shop.receive(("SOAP", 5))
    shop.clock.advance(timedelta(hours=1))
    shop.receive(("SOAP", 5))
    ship(shop, "D-1", ("SOAP", 3))
    set_quantity(shop.desk, "D-1", 1, 1 * ONE, "two stayed here")
    found = what_if(shop.desk, LIFO, START)
    assert left(found) == {1: (4, 5), 2: (5, 4)}


def test_what_was_waived_is_owed_on_neither_side(shop: Shop) -> None:
    shop.receive(("SOAP", 2), expires_on=date(2026, 11, 2))
    shop.clock.advance(timedelta(hours=1))
    shop.receive(("SOAP", 2))
    ship(shop, "D-1", ("SOAP", 2))
    shop.send(envelope(order_ship("D-2", [line("SOAP", 3, shipped="2026-11-04T12:00:00-05:00")])))
    shop.send(envelope(order_ship("D-3", [line("BOX", 1, shipped=SHIPPED)])))
    problem = shop.find(Problem, kind="insufficient-inventory", subject="SOAP")[0]
    waive(shop.desk, problem.id, None, "given away")
    found = what_if(shop.desk, LIFO, START)
    assert (found.present.owed, found.other.owed, found.other.figures.missing) == (ONE, 3 * ONE, 2 * ONE)


def test_a_line_of_which_nothing_could_be_taken_is_owed_on_both_sides(shop: Shop) -> None:
    ship(shop, "D-1", ("SOAP", 3))
    shop.receive(("BOX", 1))
    ship(shop, "D-2", ("BOX", 3))
    found = what_if(shop.desk, LIFO, START)
    assert (found.present.owed, found.other.owed, found.never_asked) == (5 * ONE, 5 * ONE, 3 * ONE)


def test_more_is_taken_off_than_a_unit_has_here(shop: Shop) -> None:
    shop.receive(("SOAP", 5))
    shop.clock.advance(timedelta(hours=1))
    unit = shop.receive(("SOAP", 5)).units[0].id
    ship(shop, "D-1", ("SOAP", 4))
    adjust(shop.desk, unit, -3 * ONE, "broken")
    move(shop.desk, unit, 2 * ONE, "MAIN/B")
    found = what_if(shop.desk, LIFO, START)
    assert (found.present.figures.unapplied, found.other.figures.unapplied) == (0, 4 * ONE)
    assert left(found) == {1: (1, 5), 3: (2, 0)}


def test_rules_keep_their_locations_and_lose_their_strategies() -> None:
    shop = open_shop()
    rule = AllocationRule(1, item="SOAP", locations=("MAIN/B",), method=FIFO)
    policies = replace(shop.desk.policies, choices=Choices(FIFO, (rule,)))
    shop.desk = replace(shop.desk, policies=policies)
    shop.worker = Worker(shop.desk, {"shop": shop.channel})
    for location in ("MAIN/B", "MAIN", "MAIN/B"):
        shop.receive(("SOAP", 5), location=location)
        shop.clock.advance(timedelta(hours=1))
    ship(shop, "D-1", ("SOAP", 2))
    assert left(what_if(shop.desk, LIFO, START)) == {1: (3, 5), 3: (5, 3)}


def test_a_moment_in_the_future_is_refused(shop: Shop) -> None:
    with pytest.raises(Refused, match="is in the future, and it is 2026-12-01 09:00:00Z now"):
        what_if(shop.desk, LIFO, START + timedelta(seconds=1))


@given(moments=st.lists(st.integers(0, 5), max_size=12).map(sorted), asked=st.integers(-1, 6))
def test_the_first_movement_since_a_moment_is_found(moments: list[int], asked: int) -> None:
    class View:
        def find(self, _record: Any, where: Any = None, after: Any = None, most: int = 1) -> list[Any]:
            found = [type("M", (), {"id": n, "at": START + timedelta(n2)}) for n, n2 in enumerate(moments, 1)]
            return [m for m in reversed(found) if where is None or m.id < where["id"].high][:most]

    expected = next((n for n, moment in enumerate(moments, 1) if moment >= asked), len(moments) + 1)
    assert first_since(View(), START + timedelta(asked)) == expected  # type: ignore[arg-type]


def act(shop: Shop, step: tuple[str, int, int], number: int) -> None:  # noqa: C901 - a case for each thing to do
    """Do one thing that may come in any order; what the rules refuse is left out."""
    what, one, two = step
    shop.clock.advance(timedelta(minutes=1))
    units = [unit for unit in shop.find(Unit) if unit.quantity > 0]
    unit = units[one % len(units)] if units else None
    match what:
        case "receive":
            expires = (None, date(2026, 11, 1), date(2026, 11, 2), date(2027, 1, 1))[two % 4]
            shop.receive((("SOAP", "BOX")[one % 2], 1 + two), expires_on=expires, lot=f"L{one}", unit_cost=two * ONE)
        case "ship":
            ship(shop, f"D-{one}", ("SOAP", 1 + two), ("BOX", one))
        case "undated":
            shop.send(envelope(order_ship(f"U-{one}", [line("SOAP", 1 + two), line("BOX", 1 + one)])))
        case "dated":
            dated = [line("SOAP", 1 + two, shipped=SHIPPED), line("BOX", 1 + one)]
            shop.send(envelope(order_ship(f"U-{one}", dated)))
        case "adjust":
            if unit is not None:
                adjust(shop.desk, unit.id, -ONE if two % 2 else ONE, "counted", settle=bool(two % 3))
        case "move":
            if unit is not None:
                move(shop.desk, unit.id, ONE, "MAIN/B" if unit.location == "MAIN" else "MAIN")
        case "hold":
            if unit is not None:
                (hold if two % 2 else release)(shop.desk, "smells", unit_id=unit.id)
        case "correct":
            try:
                set_quantity(shop.desk, f"D-{one}", 1, two * ONE, f"seen {number}")
            except Refused:
                return


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["receive", "receive", "ship", "ship", "undated", "dated", "adjust", "move", "hold", "correct"]
        ),
        st.integers(0, 3),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=14,
)


@given(steps=STEPS, cut=st.integers(0, 13), policy=st.sampled_from(list(ShortagePolicy)), page=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_under_the_strategy_that_was_used_the_replay_is_the_book(
    steps: list[tuple[str, int, int]], cut: int, policy: ShortagePolicy, page: int
) -> None:
    shop = open_shop(policy=policy)
    since: datetime = START
    for number, step in enumerate(steps):
        if number == cut:
            since = shop.clock.advance(timedelta(seconds=1))
        act(shop, step, number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_replay, "PAGE", page)
        found = what_if(shop.desk, FIFO, since)
        other = what_if(shop.desk, LIFO, since)
    assert found.needs == found.as_booked == other.as_booked
    assert found.remains == ()
    assert found.present.figures == found.other.figures
    assert (found.present.figures.missing, found.present.figures.unapplied) == (0, 0)
    stocked = [unit for unit in shop.find(Unit) if unit.quantity > 0]
    assert (found.present.left, found.present.stocked) == (sum(unit.quantity for unit in stocked), len(stocked))
    assert found.present.owed == found.other.owed == shop.owed("SOAP") + shop.owed("BOX")
    for side in (other.present, other.other):
        # whatever is taken by whichever rule, nothing gets lost: what came in lies there, or has gone to lines
        assert (
            side.left + side.figures.taken - side.figures.unapplied == found.present.left + found.present.figures.taken
        )
    shop.store.close()
