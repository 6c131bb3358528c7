"""Inventory units: where one lies, where it came from, and every movement it has made."""

from stockhook.model import Location, Movement, Unit
from stockhook.operations.records import known
from stockhook.store import Read
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import listing
from stockhook.web.stock_forms import unit_forms


class UnitPage(Page):
    """One unit."""

    async def get(self, written: str) -> None:
        """Show it."""
        before = self.asked("before")
        await self.show("unit.html", lambda view: unit(view, written, before))


def unit(view: Read, written: str, before: str) -> Values:
    """Return what the page of a unit shows; raises NotFound."""
    unit_id = number(written, "unit")
    found = known(view, Unit, unit_id)
    return {
        "unit": found,
        "location": next(iter(view.find(Location, {"path": found.location}, most=1)), None),
        "forms": unit_forms(view, found),
        "listing": listing(view, Movement, {"unit_id": unit_id}, {}, before=before),
    }
