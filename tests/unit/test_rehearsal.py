"""A rehearsed action tells what it would book, and leaves the store as it was."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from stockhook.errors import Refused
from stockhook.model import Audit, Movement, MovementKind, Notice, Problem, ProblemState, Shortage, Unit
from stockhook.operations import locations
from stockhook.operations.desk import Desk
from stockhook.operations.rehearsal import OtherThanRehearsed, Rehearsed, as_rehearsed, rehearse
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.holds import hold
from stockhook.operations.stock.receipts import Receipt, Received, receive
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.outbox import Subscription
from stockhook.quantity import ONE
from stockhook.store import Store
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.strategies.received import Fifo

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def shop(each_store: Store) -> Shop:
    """A shop in which order D-1 is owed two of SOAP."""
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(each_store, channel, Fifo(Fifo.Options()), subscriptions={"office": Subscription()})
    shop.stock(SOAP=1)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    return shop


def everything(shop: Shop) -> list[list[object]]:
    return [list(shop.find(record)) for record in (Movement, Unit, Shortage, Problem, Notice, Audit)]


def test_a_receipt_that_would_settle_tells_so_and_books_nothing(shop: Shop) -> None:
    before = everything(shop)
    seen = rehearse(shop.desk, lambda desk: receive(desk, [Receipt("SOAP", 5 * ONE, "MAIN")]))
    assert [(step.movement.kind, step.movement.quantity, step.unit.id) for step in seen.steps] == [
        (MovementKind.RECEIPT, 5 * ONE, 0),
        (MovementKind.CONSUMPTION, -2 * ONE, 0),
    ]
    assert {step.unit.quantity for step in seen.steps} == {3 * ONE}
    assert [(row.order_id, row.open) for row in seen.shortages] == [("D-1", 0)]
    assert [(problem.kind, problem.state) for problem in seen.closes] == [
        ("insufficient-inventory", ProblemState.CLOSED)
    ]
    assert seen.opens == ()
    assert seen.result.units[0].quantity == 3 * ONE
    assert everything(shop) == before


def test_the_same_action_books_what_its_rehearsal_told(shop: Shop) -> None:
    seen = rehearse(shop.desk, lambda desk: receive(desk, [Receipt("SOAP", 5 * ONE, "MAIN")]))
    newest = shop.find(Movement)[0].id
    receive(shop.desk, [Receipt("SOAP", 5 * ONE, "MAIN")])
    booked = [row for row in reversed(shop.find(Movement)) if row.id > newest]
    told = [(step.movement.kind, step.movement.sku, step.movement.quantity) for step in seen.steps]
    assert [(row.kind, row.sku, row.quantity) for row in booked] == told
    assert shop.owed("SOAP") == 0


def test_a_unit_that_is_there_is_shown_as_it_would_be(shop: Shop) -> None:
    shop.items("SALT")
    shop.receive(("SALT", 7))
    unit = shop.find(Unit, sku="SALT")[0]
    (step,) = rehearse(shop.desk, lambda desk: adjust(desk, unit.id, -3 * ONE, "lost")).steps
    assert (step.unit.id, step.unit.quantity) == (unit.id, 4 * ONE)
    seen = rehearse(shop.desk, lambda desk: hold(desk, "laboratory", unit_id=unit.id))
    assert [(each.id, each.held) for each in seen.changed] == [(unit.id, True)]
    assert shop.find(Unit, sku="SALT") == [unit]


def test_what_is_refused_is_refused_in_a_rehearsal_too(shop: Shop) -> None:
    before = everything(shop)
    with pytest.raises(Refused, match="below zero"):
        rehearse(shop.desk, lambda desk: adjust(desk, 1, -9 * ONE, "lost"))
    assert everything(shop) == before


def test_only_so_many_steps_are_kept_and_the_rest_counted(shop: Shop) -> None:
    receipts = [Receipt("SOAP", ONE, "MAIN") for _ in range(300)]
    seen = rehearse(shop.desk, lambda desk: receive(desk, receipts))
    assert len(seen.steps) == 200
    assert seen.more == 102


def test_what_was_rehearsed_is_booked_and_nothing_else_is(shop: Shop) -> None:
    shop.stock(SALT=5)
    (unit,) = shop.find(Unit, sku="SALT")

    def correct(desk: Desk) -> str:
        return f"{count(desk, [Tally(3 * ONE, unit_id=unit.id)]).counted[0].expected // ONE} were expected"

    digest = rehearse(shop.desk, correct).digest
    adjust(shop.desk, unit.id, -ONE, "damaged")
    before = shop.find(Movement)
    with pytest.raises(OtherThanRehearsed):
        as_rehearsed(shop.desk, correct, digest)
    assert shop.find(Movement) == before
    assert as_rehearsed(shop.desk, correct, rehearse(shop.desk, correct).digest) == "4 were expected"
    assert [each.quantity for each in shop.find(Unit, id=unit.id)] == [3 * ONE]


def test_goods_that_become_a_unit_of_their_own_are_told_with_all_that_is_kept_of_them(shop: Shop) -> None:
    since = shop.clock.now() - timedelta(days=9)
    more: dict[str, Any] = {
        "lot": "L1",
        "expires_on": date(2027, 1, 1),
        "unit_cost": 2 * ONE,
        "priority": 3,
        "reference": "note 4",
    }

    def seen(receipt: Receipt) -> Rehearsed[Received]:
        return rehearse(shop.desk, lambda desk: receive(desk, [receipt]))

    goods = Receipt("SOAP", 5 * ONE, "MAIN", received_at=since, **more)
    (new,) = seen(goods).new
    assert {name: getattr(new.unit, name) for name in more} == more
    assert (new.unit.received_at, new.dated, new.unit.id, new.unit.quantity) == (since, True, 0, 3 * ONE)
    (plain,) = seen(Receipt("SOAP", 5 * ONE, "MAIN")).new
    assert (plain.dated, plain.described) == (False, False)
    others = [replace(goods, **{name: None}) for name in (*more, "received_at")]
    assert len({seen(each).digest for each in (goods, *others)}) == 1 + len(others)
    shop.receive(("SOAP", 9), **more)
    unit = shop.find(Unit, lot="L1")[0]
    locations.add(shop.desk, "BACK")
    moved = rehearse(shop.desk, lambda desk: move(desk, unit.id, ONE, "BACK"))
    assert [(each.unit.expires_on, each.dated) for each in moved.new] == [(date(2027, 1, 1), True)]


def test_what_is_given_as_a_reason_is_told(shop: Shop) -> None:
    shop.stock(SALT=2)
    unit = shop.find(Unit, sku="SALT")[0].id
    held, lost = (rehearse(shop.desk, lambda desk, why=why: hold(desk, why, unit_id=unit)) for why in ("wet", "lost"))
    assert (held.reasons, lost.reasons) == (("wet",), ("lost",))
    assert held.digest != lost.digest
