"""Items: what is stocked."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from stockhook.model import Item, fold
from stockhook.operations import item_settings, renaming
from stockhook.operations import items as operations
from stockhook.operations.desk import Desk
from stockhook.operations.items import known_item
from stockhook.rows.catalogue import (
    AddedItem,
    ChangedItem,
    ListedItem,
    RenamedItem,
    RetiredItem,
    added_item,
    changed_item,
    listed_item,
    renamed_item,
    retired_item,
)
from stockhook.web.api.contents import Counted, Text, quantity
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


class ItemSettings(Content, frozen=True, kw_only=True):
    """What is changed of an item: what is given is changed, null takes it away, and what is left out stays."""

    name: str | UnsetType = UNSET
    min_shelf_life_days: Annotated[
        Annotated[int, Meta(ge=0, le=item_settings.LONGEST_LIFE)] | UnsetType | None,
        Meta(description="So many days goods must still be good when they ship; null: as the strategy says."),
    ] = UNSET
    reorder_at: Annotated[
        Counted | UnsetType | None,
        Meta(description="A person is told when no more than this is left that orders may take; null: nobody is."),
    ] = UNSET


@routes.post("/items/{sku}/set")
def set_item(desk: Desk, sku: ItemSku, body: ItemSettings) -> ChangedItem:
    """Change an item's name, how long its goods must still be good when they ship, or when a person hears of low stock.

    Orders that wait for goods which may be used only now are worked again.
    """
    mark = body.reorder_at
    return changed_item(
        item_settings.change(
            desk,
            sku,
            name=None if body.name is UNSET else body.name,
            min_shelf_life_days=None if body.min_shelf_life_days is UNSET else body.min_shelf_life_days,
            as_strategy_says=body.min_shelf_life_days is None,
            reorder_at=quantity(mark, "reorder_at") if isinstance(mark, str) else None,
            no_mark=mark is None,
        )
    )


class NewSku(Content, frozen=True, kw_only=True):
    """The sku that an item gets."""

    sku: Text


@routes.post("/items/{sku}/rename")
def rename_item(desk: Desk, sku: ItemSku, body: NewSku) -> RenamedItem:
    """Give an item another sku: its goods, codes and kits go over, and the old sku becomes a code that means the new.

    What was booked stays written under the old sku. Said again later, it brings over what came back under the old one.
    """
    return renamed_item(renaming.rename(desk, sku, body.sku))


@routes.post("/items/{sku}/retire")
def retire_item(desk: Desk, sku: ItemSku) -> RetiredItem:
    """Have no more of an item be received; what is left of it is used up, and its history stays."""
    return retired_item(item_settings.retire(desk, sku))


@routes.post("/items/{sku}/unretire")
def unretire_item(desk: Desk, sku: ItemSku) -> RetiredItem:
    """Have an item that was retired be received again."""
    return retired_item(item_settings.retire(desk, sku, retired=False))
