from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from stockhook.model import (
    Alias,
    Allocation,
    Binding,
    Body,
    Delivery,
    How,
    Item,
    Line,
    Movement,
    MovementKind,
    Order,
    Part,
    Problem,
    ProblemState,
    Shortage,
    Unit,
    Wait,
    WaitKind,
)
from stockhook.operations import codes, problems
from stockhook.operations.due import pages
from stockhook.operations.verify import CHECKS, PASSES, Checked, verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.testing import factories
from stockhook.testing.payloads import envelope, kit, line, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.layers import values
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"
ACCOUNT = "ultracart:DEMO"


def open_shop(**rules: object) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    chosen = ChannelRules("shop", **rules)  # type: ignore[arg-type]
    return Shop(store, channel, Fifo(Fifo.Options()), rules=chosen)


def a_day(shop: Shop) -> Shop:
    """Let something of each kind happen: takes, a kit, a shortage, an unknown code, refunds, a duplicate."""
    shop.stock(SOAP=10, BOX=3)
    ship = envelope(order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED), line("SOAP", 3, shipped=SHIPPED)]))
    shop.send(ship)
    shop.send(ship)
    shop.send(envelope(order_ship("D-2", kit("GIFT", 1, [("SOAP", 2), ("BOX", 5)], index=1, shipped=SHIPPED))))
    shop.send(envelope(order_ship("D-3", [line("NEW", 1, shipped=SHIPPED), line("SOAP", 1, shipped=SHIPPED)])))
    shop.send(envelope(order_refund("D-4", [line("SOAP", 2, refunded=2)], refunded_at=SHIPPED)))
    shop.send(b"unreadable")
    return shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = a_day(open_shop())
    yield shop
    shop.store.close()


def put(shop: Shop, *rows: Any) -> None:
    """Write rows behind the rules' back."""
    kept = shop.store._rows  # type: ignore[attr-defined]
    for row in rows:
        kept.put(type(row), values(row, kept.keys[type(row)]), row)


def failed(shop: Shop, payload_days: int | None = 30) -> dict[str, str]:
    return {check.name: check.detail for check in verify(shop.desk, payload_days) if not check.ok}


def only(shop: Shop, record: type[Any], **where: Any) -> Any:
    return shop.find(record, **where)[0]


@pytest.mark.parametrize("policy", [*ShortagePolicy])
def test_everything_holds_after_a_day(policy: ShortagePolicy) -> None:
    shop = a_day(open_shop(on_shortage=policy))
    assert failed(shop) == {}
    shop.receive(("SOAP", 100), ("BOX", 100))
    assert failed(shop) == {}
    codes.alias(shop.desk, "NEW", "BOX", 2 * ONE)
    assert failed(shop) == {}, "an order that is due is not judged"
    shop.work()
    assert failed(shop) == {}
    assert shop.problems() == {"quarantined"}


def test_each_check_counts_what_it_looked_at(shop: Shop) -> None:
    heard: list[tuple[str, int]] = []
    found = verify(shop.desk, 30, lambda name, done: heard.append((name, done)))
    assert [check.name for check in found] == list(CHECKS)
    assert found[0] == Checked("journal", ok=True, detail="6 deliveries")
    assert [name for name, done in heard if done == 0] == list(PASSES)


def test_each_check_has_its_place_in_one_pass() -> None:
    assert sorted(name for _, checks in PASSES.values() for name in checks) == sorted(CHECKS)


def test_nothing_holds_up_an_empty_book() -> None:
    assert failed(open_shop(), None) == {}


def test_journal_finds_a_body_that_was_changed(shop: Shop) -> None:
    delivery = only(shop, Delivery)
    put(shop, Body(delivery.digest, "identity", b"x" * delivery.size, delivery.size))
    assert failed(shop) == {"journal": f"the body of delivery {delivery.id} is not what was received"}


def test_journal_finds_a_body_that_is_gone_before_its_time(shop: Shop) -> None:
    shop.clock.advance(timedelta(days=10))
    shop.store.prune(shop.clock.now(), 100)
    assert "payloads are kept 30 days" in failed(shop)["journal"]
    assert "payloads are kept for ever" in failed(shop, None)["journal"]
    assert failed(shop, 9) == {}


def test_retention_finds_a_payload_kept_beyond_its_time(shop: Shop) -> None:
    shop.clock.advance(timedelta(days=33))
    assert list(failed(shop)) == ["retention"]
    shop.store.prune(shop.clock.now() - timedelta(days=30), 100)
    assert failed(shop) == {}


def test_retention_lets_a_payload_stay_that_came_again(shop: Shop) -> None:
    body = envelope(order_ship("D-9", [line("SOAP", 1, shipped=SHIPPED)]))
    shop.send(body)
    shop.clock.advance(timedelta(days=33))
    shop.send(body)
    shop.store.prune(shop.clock.now() - timedelta(days=30), 100)
    assert failed(shop) == {}


def test_balances_finds_a_unit_that_is_not_the_sum_of_its_movements(shop: Shop) -> None:
    unit = only(shop, Unit, sku="SOAP")
    put(shop, replace(unit, quantity=unit.quantity + ONE))
    assert failed(shop)["balances"] == f"unit {unit.id} of SOAP has 3, its movements sum to 2"


def test_chain_finds_a_gap(shop: Shop) -> None:
    movement = only(shop, Movement, sku="SOAP")
    put(shop, replace(movement, balance_after=movement.balance_after + ONE))
    assert f"leaves unit {movement.unit_id} at" in failed(shop)["chain"]


def test_chain_finds_a_movement_that_is_missing_at_the_start(shop: Shop) -> None:
    first = shop.find(Movement, sku="BOX")[-1]
    put(shop, replace(first, quantity=first.quantity - ONE))
    assert "begins at" in failed(shop)["chain"]


def test_below_zero_finds_a_unit_below_zero(shop: Shop) -> None:
    unit = only(shop, Unit, sku="BOX")
    put(shop, replace(unit, quantity=-ONE))
    assert failed(shop)["below-zero"] == f"unit {unit.id} of BOX is at -1"


def test_below_zero_lets_only_units_in_suspense_be_so_and_them_never_above(shop: Shop) -> None:
    unit = only(shop, Unit, sku="BOX")
    put(shop, replace(unit, quantity=-ONE, suspense=True))
    assert "below-zero" not in failed(shop)
    put(shop, replace(unit, quantity=ONE, suspense=True))
    assert failed(shop)["below-zero"] == f"unit {unit.id}, on which BOX is owed, is at 1, above zero"


def test_difference_finds_what_is_neither_booked_nor_owed(shop: Shop) -> None:
    shortage = only(shop, Shortage, sku="BOX")
    put(shop, replace(shortage, open=shortage.open - ONE, withdrawn=ONE))
    assert failed(shop)["difference"] == f"order {ACCOUNT}/D-2: 1 of BOX have shipped, but are neither booked nor owed"


def test_difference_finds_what_is_owed_for_nothing(shop: Shop) -> None:
    shortage = only(shop, Shortage, sku="BOX")
    put(shop, replace(shortage, open=shortage.open + ONE, quantity=shortage.quantity + ONE))
    assert "1 of BOX are owed, but nothing asks for them any more" in failed(shop)["difference"]


def test_difference_finds_what_is_below_zero_for_more_than_is_owed() -> None:
    shop = a_day(open_shop(on_shortage=ShortagePolicy.NEGATIVE))
    shortage = only(shop, Shortage, sku="BOX")
    put(shop, replace(shortage, open=shortage.open - ONE, waived=ONE))
    said = "1 of BOX are below zero on its suspense unit, but no longer owed"
    assert failed(shop) == {"difference": f"order {ACCOUNT}/D-2: {said}"}


@pytest.mark.parametrize("policy", [*ShortagePolicy])
def test_everything_holds_after_the_policy_was_changed_to_negative_or_back(policy: ShortagePolicy) -> None:
    for before, after in ((policy, ShortagePolicy.NEGATIVE), (ShortagePolicy.NEGATIVE, policy)):
        shop = a_day(open_shop(on_shortage=before))
        rules = replace(shop.rules, on_shortage=after)
        policies = replace(shop.desk.policies, rules={"shop": rules})
        changed = replace(shop.desk, policies=policies)
        assert [check for check in verify(changed, 30) if not check.ok] == []


@pytest.mark.parametrize(
    ("kind", "said"), [(MovementKind.RETURN, "9 came back"), (MovementKind.REVERSAL, "9 were reversed")]
)
def test_difference_finds_more_that_came_back_than_was_taken(shop: Shop, kind: MovementKind, said: str) -> None:
    taken = only(shop, Movement, order_id="D-1", kind=MovementKind.CONSUMPTION)
    put(shop, replace(taken, id=9999, kind=kind, quantity=9 * ONE, reverses=taken.id))
    assert failed(shop)["difference"].startswith(f"order {ACCOUNT}/D-1: of ")
    assert said in failed(shop)["difference"]


def test_difference_finds_a_surplus_that_no_problem_tells_of(shop: Shop) -> None:
    row = only(shop, Line, order_id="D-1")
    put(shop, replace(row, quantity=0))
    assert "no problem tells of it" in failed(shop)["difference"]
    put(shop, factories.problem("regression", f"{ACCOUNT}/D-1/{row.item_index}", id=99))
    assert failed(shop) == {}


def test_kits_finds_a_kit_and_its_component_both_consuming(shop: Shop) -> None:
    head = only(shop, Line, order_id="D-2", kit=True)
    put(shop, replace(head, binding=Binding("GIFT", How.PARENT, (Part("SOAP", ONE),))))
    assert failed(shop)["kits"] == f"order {ACCOUNT}/D-2: kit line and component line 2 both consume"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: replace(a, taken=a.taken + ONE), "the takes sum to"),
        (lambda a: replace(a, need=a.taken - ONE), "the takes sum to"),
        (lambda a: replace(a, trace=replace(a.trace, offered=0)), "where 0 were offered"),
        (lambda a: _taken(a, available=0), "which had 0"),
        (lambda a: _taken(a, unit_id=999), "the movements are not what the plan took"),
    ],
)
def test_plans_finds_a_plan_that_was_not_sound(shop: Shop, change: Any, said: str) -> None:
    allocation = only(shop, Allocation, order_id="D-1")
    put(shop, change(allocation))
    assert said in failed(shop)["plans"]


def test_plans_finds_movements_that_no_plan_took(shop: Shop) -> None:
    movement = only(shop, Movement, order_id="D-1")
    put(shop, replace(movement, allocation_id=999))
    assert failed(shop)["plans"] == "allocation 999 is not there, but movements name it"
    put(shop, replace(movement, allocation_id=None))
    assert failed(shop)["plans"].endswith("order D-1: the movements are not what the plan took")


def test_plans_finds_the_newest_plan_without_movements(shop: Shop) -> None:
    newest = only(shop, Allocation)
    put(shop, replace(newest, id=newest.id + 1, order_id="D-9"))
    assert failed(shop)["plans"] == (
        f"allocation {newest.id + 1} of order D-9: the movements are not what the plan took"
    )


@pytest.mark.parametrize("page", [1, 2, 3])
def test_plans_and_movements_need_not_come_in_one_page(shop: Shop, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    for module in ("due", "verify.ledger"):
        monkeypatch.setattr(f"stockhook.operations.{module}.pages", partial(pages, size=page))
    assert failed(shop) == {}


def _taken(allocation: Allocation, **fields: Any) -> Allocation:
    changed = allocation.trace.taken[0]._replace(**fields)
    return replace(allocation, trace=replace(allocation.trace, taken=(changed, *allocation.trace.taken[1:])))


def test_waiting_finds_an_order_that_waits_for_a_code_which_resolves(shop: Shop) -> None:
    put(shop, Item("NEW"))
    assert failed(shop)["waiting"] == (
        f"order {ACCOUNT}/D-3 waits for code new, which is no reason any more, and it is not due"
    )
    order = only(shop, Order, order_id="D-3")
    put(shop, replace(order, due_at=shop.clock.now()))
    assert failed(shop) == {}


def test_waiting_finds_an_order_that_waits_for_goods_it_does_not_want(shop: Shop) -> None:
    put(shop, Wait(ACCOUNT, "D-1", WaitKind.ITEM, "SOAP"), factories.problem("insufficient-inventory", "SOAP", id=99))
    assert "D-1 waits for item SOAP" in failed(shop)["waiting"]


def test_problems_finds_one_without_a_cause(shop: Shop) -> None:
    put(shop, factories.problem("unknown-item", f"{ACCOUNT}/GONE", id=99))
    assert failed(shop) == {"problems": f"problem 99 (unknown-item, {ACCOUNT}/GONE) is open without a cause"}


@pytest.mark.parametrize(("kind", "subject"), [("unknown-item", f"{ACCOUNT}/new"), ("insufficient-inventory", "BOX")])
def test_problems_finds_a_cause_that_nobody_was_told_of(shop: Shop, kind: str, subject: str) -> None:
    problem = only(shop, Problem, kind=kind)
    put(shop, replace(problem, state=ProblemState.CLOSED))
    assert failed(shop) == {"problems": f"no problem tells of {kind} {subject}"}
    put(shop, replace(problem, state=ProblemState.ACKNOWLEDGED))
    assert failed(shop) == {}


def test_what_a_person_decided_holds(shop: Shop) -> None:
    problems.waive(shop.desk, only(shop, Problem, kind="insufficient-inventory").id, ONE, "lost")
    assert failed(shop) == {}
    codes.ignore(shop.desk, "new")
    shop.work()
    assert failed(shop) == {}
    assert shop.find(Alias)[0].sku is None
