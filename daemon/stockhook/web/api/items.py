"""Items: what is stocked."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Item, fold
from stockhook.operations import items as operations
from stockhook.operations.desk import Desk
from stockhook.operations.items import known_item
from stockhook.rows.catalogue import AddedItem, ListedItem, added_item, listed_item
from stockhook.web.api.contents import Text
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Query, Routes

routes = Routes()

ItemSku = Annotated[str, Meta(description="The sku, in whatever case; a slash in it is written %2F.")]


class ItemFilter(Query, frozen=True, kw_only=True):
    """Which items."""

    retired: Annotated[bool | None, Meta(description="Only those that are retired, or that are not.")] = None


@routes.get("/items")
def list_items(desk: Desk, query: ItemFilter, page: Page) -> Listed[ListedItem]:
    """List items by sku, the greatest first, with the parts of those that are kits."""
    where = {} if query.retired is None else {"retired": query.retired}
    with desk.store.read() as view:
        found = listed(view, Item, where, page, lambda item: item)
        kits = view.catalogue((), [item.sku for item in found.rows]).kits
        rows = [listed_item(item, kits.get(fold(item.sku))) for item in found.rows]
        return Listed(rows=rows, more=found.more, next=found.next)


@routes.get("/items/{sku}")
def show_item(desk: Desk, sku: ItemSku) -> ListedItem:
    """Show one item, with its parts where it is a kit."""
    with desk.store.read() as view:
        catalogue = view.catalogue((), {sku})
        item = next(iter(view.find(Item, {"sku": sku}, most=1)), None) or known_item(view, sku, catalogue)
        return listed_item(item, catalogue.kits.get(fold(item.sku)))


class NewItem(Content, frozen=True, kw_only=True):
    """An item; ``serial``: each piece has a serial number of its own."""

    sku: Text
    name: str = ""
    serial: bool = False


@routes.post("/items")
def add_item(desk: Desk, body: NewItem) -> AddedItem:
    """Add an item; orders that waited for its sku as a code are worked again."""
    return added_item(operations.add(desk, body.sku, body.name, serial=body.serial))
