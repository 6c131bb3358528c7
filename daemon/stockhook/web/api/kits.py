"""Kits: what items sold as one consist of."""

from typing import Annotated

from msgspec import Meta

from stockhook.errors import NotFound
from stockhook.model import Kit, KitPolicy, fold
from stockhook.operations import items as operations
from stockhook.operations.desk import Desk
from stockhook.rows.catalogue import KitRow, kit_row
from stockhook.web.api.contents import Amount, Text, quantity
from stockhook.web.api.items import ItemSku
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Routes

routes = Routes()


@routes.get("/kits")
def list_kits(desk: Desk, page: Page) -> Listed[KitRow]:
    """List kits by sku, the greatest first."""
    with desk.store.read() as view:
        return listed(view, Kit, {}, page, kit_row)


@routes.get("/kits/{sku}")
def show_kit(desk: Desk, sku: ItemSku) -> KitRow:
    """Show what one kit consists of."""
    with desk.store.read() as view:
        kit = view.catalogue((), {sku}).kits.get(fold(sku))
    if kit is None:
        raise NotFound(f"there is no kit {sku!r}; /kits lists them")
    return kit_row(kit)


class PartOf(Content, frozen=True, kw_only=True):
    """So much of an item in one kit."""

    sku: Text
    quantity: Amount


class Definition(Content, frozen=True, kw_only=True):
    """What an item sold as one consists of; ``policy`` null: as the channel says."""

    sku: Text
    parts: Annotated[list[PartOf], Meta(min_length=1, max_length=1000)]
    policy: KitPolicy | None = None


@routes.post("/kits")
def define_kit(desk: Desk, body: Definition) -> KitRow:
    """Define a kit; an earlier definition is replaced as a whole, and lines that are booked stay as they are."""
    parts = [(part.sku, quantity(part.quantity, f"parts[{n}].quantity")) for n, part in enumerate(body.parts)]
    return kit_row(operations.define_kit(desk, body.sku, parts, body.policy))
