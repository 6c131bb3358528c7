"""A shop whose orders are corrected, and how the tests of corrections look at it; quantities are whole units."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from stockhook.errors import Refused
from stockhook.model import (
    Allocation,
    Audit,
    Line,
    Movement,
    Order,
    OrderKey,
    Problem,
    Shortage,
    Take,
    Unit,
)
from stockhook.operations.corrections import amounts, returns
from stockhook.operations.corrections.case import Corrected
from stockhook.operations.verify import verify
from stockhook.outbox import Subscription
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.store import FOREVER
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
DAY3 = "2026-11-03T12:00:00-05:00"


def open_shop(**rules: object) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    chosen = ChannelRules("shop", **rules)  # type: ignore[arg-type]
    return Shop(store, channel, Fifo(Fifo.Options()), rules=chosen, subscriptions={"office": Subscription()})


def sound(shop: Shop) -> None:
    shop.work()
    assert [check for check in verify(shop.desk, 30) if not check.ok] == []


def ship(shop: Shop, order_id: str, quantity: int, code: str = "SOAP", created: str = DAY1) -> None:
    shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=DAY1)], created=created)))


def quantity(shop: Shop, amount: int, order: str = "D-1", index: int = 1) -> Corrected:
    return amounts.set_quantity(shop.desk, order, index, amount * ONE, "as packed")


def line_of(shop: Shop, order: str = "D-1", number: int = 1) -> Line:
    (found,) = shop.find(Line, account="ultracart:DEMO", order_id=order, number=number)
    return found


def taken(shop: Shop, order: str = "D-1") -> tuple[Take, ...]:
    """What was taken for an order, and is owed in suspense."""
    with shop.store.read() as view:
        return view.orders([OrderKey("ultracart:DEMO", order)])[OrderKey("ultracart:DEMO", order)].takes


def takes(shop: Shop, order: str = "D-1") -> dict[int, int]:
    """What is out of which unit for an order."""
    out: dict[int, int] = {}
    for take in taken(shop, order):
        out[take.unit_id] = out.get(take.unit_id, 0) + take.returnable
    return {unit: left // ONE for unit, left in out.items() if left}


def refused(shop: Shop, said: str, act: Callable[[], object]) -> None:
    """Expect a sentence, and nothing changed."""
    before = book(shop)
    with pytest.raises(Refused, match=said):
        act()
    assert book(shop) == before


def book(shop: Shop) -> list[object]:
    records = (Order, Line, Unit, Movement, Allocation, Shortage, Problem, Audit)
    with shop.store.read() as view:
        return [view.find(record, most=FOREVER) for record in records]


def lots(shop: Shop, *quantities: int) -> None:
    shop.items("SOAP")
    for number, amount in enumerate(quantities, 1):
        shop.clock.advance(timedelta(hours=1))
        shop.receive(("SOAP", amount), lot=f"L{number}")


def back(shop: Shop, amount: int, order: str = "D-1", sku: str | None = None) -> Corrected:
    return returns.take_back(shop.desk, order, 1, amount * ONE, "brought back", sku=sku)


def changed_code(shop: Shop, code: str = "LAMP", amount: int = 2) -> None:
    """Book 2 SOAP (and a BELL beside it), then let the store say that the line is something else."""
    shop.stock(SOAP=5, LAMP=5, BELL=5)
    first = [line("SOAP", 2, shipped=DAY1), line("BELL", 1, shipped=DAY1)]
    shop.send(envelope(order_ship("D-1", first, created=DAY1)))
    then = [line(code, amount, shipped=DAY1), line("BELL", 2, shipped=DAY1)]
    shop.send(envelope(order_ship("D-1", then, created=DAY2)))
