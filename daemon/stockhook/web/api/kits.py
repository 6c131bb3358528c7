"""Kits: what items sold as one consist of."""

from stockhook.errors import NotFound
from stockhook.model import Kit, fold
from stockhook.operations.desk import Desk
from stockhook.rows.catalogue import KitRow, kit_row
from stockhook.web.api.items import ItemSku
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Routes

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
