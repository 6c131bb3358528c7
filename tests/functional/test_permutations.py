"""All orders in which the events of one order can arrive, alone or together: the same stock in the end."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from stockhook.budget import Budget
from stockhook.model import Line
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.testing.payloads import array, envelope, kit, line, order_create, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
DAY3 = "2026-11-03T12:00:00-05:00"
DAY4 = "2026-11-04T12:00:00-05:00"
DAY5 = "2026-11-05T12:00:00-05:00"

SPLIT = [
    order_create("D-1", [line("A", 3), line("B", 2)], created=DAY1),
    order_refund("D-1", [line("A", 3, refunded=1), line("B", 2)], created=DAY1, refunded_at=DAY1),
    order_ship("D-1", [line("A", 3, refunded=1, shipped=DAY2), line("B", 2)], created=DAY1, refunded_at=DAY1),
    order_ship("D-1", [line("A", 3, refunded=1, shipped=DAY2), line("B", 2, shipped=DAY3)], refunded_at=DAY1),
    order_refund(
        "D-1",
        [line("A", 3, refunded=2, shipped=DAY2), line("B", 2, shipped=DAY3)],
        created=DAY5,
        refunded_at=DAY5,
    ),
]
"""Refunded in part, shipped in two parts, and refunded again afterwards."""

PARTS = [
    order_ship("D-1", [line("A", 3, index=1, shipped=DAY1)]),
    order_ship("D-1", [line("B", 2, index=2, shipped=DAY2)]),
    order_ship("D-1", [line("A", 4, index=1, shipped=DAY1)], created=DAY3),
    order_ship("D-1", [line("A", 1, index=3, shipped=DAY4)]),
    order_create("D-1", [line("A", 3, index=1), line("B", 2, index=2), line("A", 1, index=3)], created=DAY1),
]
"""Parts that list only their own lines, one of them edited upwards."""

INFERRED = [
    order_create("D-1", [line("A", 3), line("B", 2)], created=DAY1),
    order_ship("D-1", [line("A", 3), line("B", 2)], created=DAY1, shipping_date=DAY2),
    order_ship("D-1", [line("A", 3, shipped=DAY2), line("B", 2)], created=DAY3, shipping_date=DAY2),
    order_ship("D-1", [line("A", 3, shipped=DAY2), line("B", 2, shipped=DAY4)], created=DAY3, shipping_date=DAY2),
]
"""First without dates, then with some, then with all."""

KITS = [
    order_create("D-1", kit("SET", 2, [("A", 2), ("B", 4)], index=1), created=DAY1),
    order_refund("D-1", [line("SET", 2, index=1, kit=True, refunded=1)], created=DAY1, refunded_at=DAY1),
    order_ship(
        "D-1",
        [
            line("SET", 2, index=1, kit=True, refunded=1, shipped=DAY2),
            *kit("SET", 2, [("A", 2), ("B", 4)], index=1, shipped=DAY2)[1:],
        ],
        refunded_at=DAY1,
    ),
    order_ship("D-1", [line("A", 2, index=9, shipped=DAY3)]),
]
"""A kit with its components, refunded in part by its kit line alone, and a plain line beside it."""

STORIES = {
    "split": (SPLIT, {"A": 2, "B": 2}),
    "parts": (PARTS, {"A": 5, "B": 2}),
    "inferred": (INFERRED, {"A": 3, "B": 2}),
    "kits": (KITS, {"A": 3, "B": 2}),
}
BUDGET = Budget()


def open_shop() -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()), rules=ChannelRules("shop"), budget=BUDGET)


def end(shop: Shop) -> Any:
    """What all ways must have in common: stock, what is owed, what is known and what a person is told."""
    facts = {
        (one.item_index, one.code, one.quantity, one.quantity_refunded, one.shipped_at, one.refunds)
        for one in shop.find(Line)
    }
    stock = {sku: (shop.on_hand(sku), shop.owed(sku)) for sku in ("A", "B")}
    return shop.booked("D-1"), stock, facts, shop.problems()


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("stock", [20, 1])
def test_every_order_of_arrival_ends_in_the_same_stock(story: str, stock: int) -> None:
    events, booked = STORIES[story]
    ends = []
    for arrived in itertools.permutations(events):
        shop = open_shop()
        shop.stock(A=stock, B=stock)
        for one in arrived:
            shop.send(envelope(one))
        ends.append(end(shop))
    assert [each for each in ends if each != ends[0]] == []
    if stock == 20:
        assert ends[0][0] == {sku: quantity * ONE for sku, quantity in booked.items()}


@pytest.mark.parametrize("story", STORIES)
def test_every_way_to_cut_them_into_batches_ends_in_the_same_stock(story: str) -> None:
    events, _ = STORIES[story]
    ends = []
    for cuts in itertools.product([True, False], repeat=len(events) - 1):
        shop = open_shop()
        shop.stock(A=20, B=20)
        for n, batch in enumerate(cut(events, cuts)):
            shop.deliver((array if n % 2 else envelope)(*batch))
        shop.work()
        ends.append(end(shop))
    assert [each for each in ends if each != ends[0]] == []


def cut(events: Sequence[Any], cuts: Sequence[bool]) -> list[list[Any]]:
    batches = [[events[0]]]
    for one, new in zip(events[1:], cuts, strict=True):
        if new:
            batches.append([])
        batches[-1].append(one)
    return batches


@pytest.mark.parametrize("story", STORIES)
def test_all_of_it_once_more_in_any_order_books_nothing(story: str) -> None:
    events, _ = STORIES[story]
    shop = open_shop()
    shop.stock(A=20, B=20)
    for one in events:
        shop.send(envelope(one))
    before = end(shop)
    for arrived in itertools.islice(itertools.permutations(events), 0, None, 5):
        shop.send(array(*arrived))
        assert end(shop) == before
