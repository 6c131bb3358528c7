"""The demo's shop and its day: what lies on the shelf, what the store sends, what the stock keeper does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

from stockhook.model import OrderKey
from stockhook.operations import codes, items, locations
from stockhook.operations.desk import Desk
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE, parse
from stockhook.testing.payloads import array, envelope, kit, line, order_create, order_ship

MERCHANT: Final = "DEMO"
ACCOUNT: Final = f"ultracart:{MERCHANT}"

_SHIPPED: Final = "2026-11-20T14:02:11-05:00"
_LATER: Final = "2026-11-20T16:40:00-05:00"


@dataclass(frozen=True, slots=True)
class Post:
    """Something the store sends; ``order_id`` is the order whose event shows what became of it, if it has one."""

    what: str
    body: bytes
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """Something the stock keeper does, and the command for it; ``orders`` are settled by it."""

    command: str
    do: Callable[[Desk], object]
    orders: tuple[OrderKey, ...]


def open_shop(desk: Desk) -> None:
    """Put items, two locations, lots and a kit where the day begins."""
    locations.add(desk, "MAIN/FG", pick_sequence=1)
    locations.add(desk, "WEST/FG", pick_sequence=2)
    for sku, name in _ITEMS:
        items.add(desk, sku, name)
    items.define_kit(desk, "GIFTSET", [("SOAP-A", ONE), ("SOAP-B", 2 * ONE)], None)
    receive(desk, [_goods(*row) for row in _SHELF])


_ITEMS: Final = (
    ("LAMP-01", "Table lamp, oak"),
    ("SOAP-A", "Soap, lavender"),
    ("SOAP-B", "Soap, cedar"),
    ("CANDLE", "Beeswax candle"),
    ("GIFTSET", "Gift set: one lavender, two cedar"),
)

_SHELF: Final = (
    ("LAMP-01", "5", "MAIN/FG", "L-0901", 1, None, "21.40"),
    ("LAMP-01", "20", "MAIN/FG", "L-1015", 15, None, "22.10"),
    ("SOAP-A", "18", "MAIN/FG", "SA-31", 3, date(2027, 9, 30), "1.15"),
    ("SOAP-A", "60", "WEST/FG", "SA-32", 20, date(2027, 11, 30), "1.20"),
    ("SOAP-B", "40", "MAIN/FG", "SB-12", 5, date(2027, 10, 31), "1.05"),
    ("CANDLE", "4", "MAIN/FG", "C-7", 10, None, "2.80"),
)


def _goods(sku: str, quantity: str, location: str, lot: str, day: int, expires_on: date | None, cost: str) -> Receipt:
    return Receipt(
        sku=sku,
        quantity=parse(quantity),
        location=location,
        received_at=datetime(2026, 10, day, 15, 0, tzinfo=UTC),
        lot=lot,
        expires_on=expires_on,
        unit_cost=parse(cost),
        reference="opening stock",
    )


def _id(number: int) -> str:
    return f"{MERCHANT}-{number:010d}"


_PLAIN: Final = envelope(
    order_ship(_id(1), [line("LAMP-01", 7, shipped=_SHIPPED), line("SOAP-A", 2, shipped=_SHIPPED)])
)
_FIRST_PART: Final = [line("LAMP-01", 1, center="MAIN", shipped=_SHIPPED), line("SOAP-A", 3, center="WEST")]
_BOTH_PARTS: Final = [
    line("LAMP-01", 1, center="MAIN", shipped=_SHIPPED),
    line("SOAP-A", 3, center="WEST", shipped=_LATER),
]

MORNING: Final = (
    Post("a new order, not yet shipped", envelope(order_create(_id(1), [line("LAMP-01", 7)])), _id(1)),
    Post("it ships: 7 lamps out of two lots, 2 soaps", _PLAIN, _id(1)),
    Post("the same delivery again, as a retry", _PLAIN, _id(1)),
    Post(
        "a kit with its component lines, as a bare array",
        array(order_ship(_id(2), kit("GIFTSET", 2, [("SOAP-A", 2), ("SOAP-B", 4)], index=1, shipped=_SHIPPED))),
        _id(2),
    ),
    Post(
        "a kit without component lines: our own definition",
        envelope(order_ship(_id(3), [line("GIFTSET", 1, kit=True, shipped=_SHIPPED)])),
        _id(3),
    ),
    Post(
        "a split shipment, first part: the soap has not left",
        envelope(order_ship(_id(4), _FIRST_PART, shipping_date=_SHIPPED)),
        _id(4),
    ),
    Post(
        "a split shipment, second part",
        envelope(order_ship(_id(4), _BOTH_PARTS, shipping_date=_SHIPPED, stage="Completed Order")),
        _id(4),
    ),
    Post(
        "an out-of-order pair, the second part first",
        envelope(order_ship(_id(5), _BOTH_PARTS, shipping_date=_SHIPPED)),
        _id(5),
    ),
    Post(
        "an out-of-order pair, the first part late",
        envelope(order_ship(_id(5), _FIRST_PART, shipping_date=_SHIPPED)),
        _id(5),
    ),
    Post(
        "refunded in full a second before it was closed",
        envelope(
            order_ship(
                _id(6),
                [line("LAMP-01", 2, refunded=2, shipped="2026-11-20T15:00:01-05:00")],
                refunded_at="2026-11-20T15:00:00-05:00",
                stage="Completed Order",
            )
        ),
        _id(6),
    ),
    Post(
        "a code nobody knows: SOAP-A-12PK",
        envelope(order_ship(_id(7), [line("SOAP-A-12PK", 2, shipped=_SHIPPED)])),
        _id(7),
    ),
    Post(
        "6 candles shipped, 4 in the book",
        envelope(order_ship(_id(8), [line("CANDLE", 6, shipped=_SHIPPED)])),
        _id(8),
    ),
    Post("a body that cannot be read", b'{"events": [{"order_ship": {"order_id": "DEMO-00'),
)
"""What the store sends, in this order."""

AFTERNOON: Final = (
    Deed(
        "stockhook items alias SOAP-A-12PK SOAP-A --factor 12",
        partial(codes.alias, code="SOAP-A-12PK", sku="SOAP-A", factor=12 * ONE),
        (OrderKey(ACCOUNT, _id(7)),),
    ),
    Deed(
        "stockhook stock receive CANDLE 24 --location MAIN/FG --lot C-8",
        lambda desk: receive(desk, [Receipt("CANDLE", 24 * ONE, "MAIN/FG", lot="C-8")]),
        (OrderKey(ACCOUNT, _id(8)),),
    ),
)
"""What the stock keeper then does, in this order."""
