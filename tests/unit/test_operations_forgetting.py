"""Forgetting an order: its payloads go, what is known and booked stays."""

import pytest

from stockhook.errors import NotFound, Refused
from stockhook.model import Audit, Delivery, Event, Movement, OrderKey
from stockhook.operations.events import replay
from stockhook.operations.forgetting import forget
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop

ACCOUNT = "ultracart:DEMO"


@pytest.fixture
def shop(pages: Pages) -> Shop:
    shop = pages.shop
    shop.stock(SOAP=10)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2)]), order_ship("D-2", [line("SOAP", 1)])))
    shop.send(envelope(order_ship("D-3", [line("SOAP", 1)])))
    shop.send(envelope(order_ship("D-1", [line("SOAP", 3)])))
    return shop


def bodies(shop: Shop) -> list[bool]:
    """Return of each delivery, oldest first, whether its payload is there."""
    deliveries = sorted(shop.find(Delivery), key=lambda one: one.id)
    with shop.store.read() as view:
        return [view.body(one.id) is not None for one in deliveries]


def test_its_payloads_go_with_those_of_orders_in_the_same_deliveries_and_nothing_else(shop: Shop) -> None:
    booked = shop.find(Movement)
    done = forget(shop.desk, "D-1")
    assert (done.key, done.payloads, done.deliveries) == (OrderKey(ACCOUNT, "D-1"), 2, 2)
    assert done.others == (OrderKey(ACCOUNT, "D-2"),)
    assert bodies(shop) == [False, True, False]
    assert shop.find(Movement) == booked
    assert len(shop.find(Delivery)) == 3
    (audit,) = shop.find(Audit, action="orders forget")
    assert (audit.subject, audit.actor, audit.details) == (f"{ACCOUNT}/D-1", "cli:test", {"deliveries": "1,3"})


def test_a_replay_afterwards_works_from_the_facts_and_books_nothing_twice(shop: Shop) -> None:
    forget(shop.desk, "D-1")
    booked = shop.find(Movement)
    replay(shop.desk, [event.id for event in shop.find(Event)])
    shop.work()
    assert shop.find(Movement) == booked
    assert {event.state.value for event in shop.find(Event, order_id="D-1")} <= {"unchanged", "applied", "superseded"}
    assert shop.problems() == set()


def test_done_again_it_removes_what_has_come_since(shop: Shop) -> None:
    forget(shop.desk, "D-1")
    assert forget(shop.desk, f"{ACCOUNT}/D-1").payloads == 0
    shop.send(envelope(order_ship("D-1", [line("SOAP", 4)])))
    assert forget(shop.desk, "D-1").payloads == 1


def test_while_a_delivery_of_it_is_to_be_worked_nothing_goes(shop: Shop) -> None:
    (event, *_) = shop.find(Event, order_id="D-1")
    replay(shop.desk, [event.id])
    with pytest.raises(Refused, match="is still to be worked, and needs its payload"):
        forget(shop.desk, "D-1")
    assert bodies(shop) == [True, True, True]
    assert shop.find(Audit, action="orders forget") == []
    shop.work()
    assert forget(shop.desk, "D-1").payloads == 2


def test_an_order_that_is_not_there_is_named_with_those_like_it(shop: Shop) -> None:
    with pytest.raises(NotFound, match="there is no order 'D-4'"):
        forget(shop.desk, "D-4")
