"""What several lists may be filtered by."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from stockhook.model import Item
from stockhook.operations.items import find_item
from stockhook.operations.search import MOST, orders_named
from stockhook.store import Match, Read

Channel: TypeAlias = Annotated[str | None, Meta(description="Only of this channel, as the configuration names it.")]
Account: TypeAlias = Annotated[str | None, Meta(description="Only of this account, such as ultracart:DEMO.")]
OrderId: TypeAlias = Annotated[str | None, Meta(description="Only of the order with this id.")]
Code: TypeAlias = Annotated[
    str | None,
    Meta(description=f"Only of orders with a line of this store code, of the newest {MOST} where there are more."),
]
Lot: TypeAlias = Annotated[
    str | None,
    Meta(
        description="Only of orders that got goods of this lot, or the piece with this serial number, of the newest "
        f"{MOST} where there are more."
    ),
]
Sku: TypeAlias = Annotated[str | None, Meta(description="Only of this item, in whatever case.")]
Since: TypeAlias = Annotated[
    Annotated[datetime, Meta(tz=True)] | None,
    Meta(description="Only from this moment on, such as 2026-12-01T00:00:00Z."),
]
Until: TypeAlias = Annotated[Annotated[datetime, Meta(tz=True)] | None, Meta(description="Only before this moment.")]


def given(**fields: Any) -> dict[str, Match]:
    """Return the fields to match: those that were asked for."""
    return {name: value for name, value in fields.items() if value is not None}


def of_orders(
    view: Read, record: type[Any], order_id: str | None, code: str | None, lot: str | None
) -> dict[str, Match]:
    """Return the match of events, or of deliveries, whose orders are named so; nothing where none is."""
    orders = orders_named(view, order_id or "", code or "", lot or "")
    return {} if orders is None else orders.match(view, record)


def sku_of(view: Read, written: str | None) -> str | None:
    """Return an item's sku as it is kept, for one written in whatever case."""
    if written is None or view.find(Item, {"sku": written}, most=1):
        return written
    item = find_item(view, written)
    return item.sku if item else written
