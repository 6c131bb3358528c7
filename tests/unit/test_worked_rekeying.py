"""Worked cases of orders whose item indexes shift, and of what comes again or late, on both stores."""

import pytest
from cases import DAY1, DAY2, DAY3, channel

from stockhook.model import Event, Line, Problem, ProblemState
from stockhook.operations.events import replay
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.store import Store
from stockhook.testing.payloads import envelope, event, line, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.strategies.received import Fifo


@pytest.fixture
def shop(each_store: Store) -> Shop:
    shop = Shop(each_store, channel(), Fifo(Fifo.Options()), rules=ChannelRules("shop"))
    shop.stock(A=20, B=20)
    return shop


def problems(shop: Shop) -> list[tuple[str, str]]:
    return sorted((one.kind, one.subject) for one in shop.find(Problem, state=ProblemState.OPEN))


def replay_all(shop: Shop) -> None:
    replay(shop.desk, [one.id for one in shop.find(Event)])
    shop.work()


def sound(shop: Shop) -> bool:
    return [check for check in verify(shop.desk) if not check.ok] == []


def test_the_same_event_again_books_nothing_where_it_put_a_line_in_conflict(shop: Shop) -> None:
    first = [line("B", 3, index=1, shipped=DAY1), line("A", 3, index=3)]
    shop.send(envelope(order_ship("D-1", first, created=DAY1)))
    edit = order_ship("D-1", [line("A", 3, index=1, shipped=DAY1), line("B", 2, index=2, shipped=DAY1)], created=DAY2)
    for _ in range(2):
        shop.send(envelope(edit))
        assert shop.booked("D-1") == {"B": 5 * ONE}
        assert problems(shop) == [("line-conflict", "ultracart:DEMO/D-1/1")]
    assert sound(shop)


def test_replaying_all_events_leaves_a_refund_with_the_line_that_it_was_of(shop: Shop) -> None:
    shop.send(
        envelope(
            order_refund("D-1", [line("A", 2, refunded=1), line("B", 2)], created=DAY1, refunded_at=DAY1),
            order_ship(
                "D-1",
                [line("A", 2, refunded=1, shipped=DAY2), line("B", 2, shipped=DAY2)],
                created=DAY1,
                refunded_at=DAY1,
            ),
        )
    )
    shop.send(envelope(event("order_update", "D-1", [line("B", 2, shipped=DAY2)], created=DAY3)))
    assert problems(shop) == [("regression", "ultracart:DEMO/D-1/2")]
    before = shop.find(Line)
    replay_all(shop)
    assert problems(shop) == [("regression", "ultracart:DEMO/D-1/2")]
    assert shop.find(Line) == before
    assert shop.booked("D-1") == {"A": ONE, "B": 2 * ONE}
    assert sound(shop)


def test_an_older_event_that_comes_late_keys_no_line_anew(shop: Shop) -> None:
    for lines, created in (
        ([line("A", 1, index=1, shipped=DAY1), line("B", 2, index=2, shipped=DAY1)], DAY1),
        ([line("B", 3, index=2, shipped=DAY1)], DAY3),
        ([line("B", 3, index=1, shipped=DAY1)], DAY2),
    ):
        shop.send(envelope(order_ship("D-1", lines, created=created)))
    found = problems(shop)
    assert found == [("line-conflict", "ultracart:DEMO/D-1/1")]
    replay_all(shop)
    assert problems(shop) == found
    assert shop.booked("D-1") == {"A": ONE, "B": 3 * ONE}
