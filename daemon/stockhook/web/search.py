"""One box for whatever a person has in hand: an order id, a SKU, a store code, a lot, a serial number."""

from stockhook.model import Alias, Event, Item, Line, Order, Unit, fold
from stockhook.store import Folded, Read
from stockhook.web.page import Page, Values
from stockhook.web.paging import PAGE


class SearchPage(Page):
    """What is known by the words sought."""

    async def get(self) -> None:
        """Show it."""
        sought = self.asked("q")
        await self.show("search.html", lambda view: search(view, sought))


def search(view: Read, sought: str) -> Values:
    """Return the records that are named so: orders and lines as written, all else in whatever case."""
    if not sought:
        return {
            "q": "",
            "orders": [],
            "items": [],
            "aliases": [],
            "units": [],
            "lines": [],
            "events": [],
            "lots": [],
            "serials": [],
        }
    catalogue = view.catalogue((), {sought})
    lots = view.find(Unit, {"lot": Folded(fold(sought))}, most=PAGE)
    serials = view.find(Unit, {"serial": Folded(fold(sought))}, most=PAGE)
    items: list[Item] = [*catalogue.items.values()]
    return {
        "q": sought,
        "orders": view.find(Order, {"order_id": sought}, most=PAGE),
        "items": [item for item in items if fold(item.sku) == fold(sought)],
        "aliases": view.find(Alias, {"code": fold(sought)}, most=PAGE),
        "lots": [sought] if lots else [],
        "serials": [sought] if serials else [],
        "units": [*lots, *(unit for unit in serials if unit not in lots)],
        "events": view.find(Event, {"order_id": sought}, most=PAGE),
        "lines": view.find(Line, {"code": sought}, most=PAGE),
    }
