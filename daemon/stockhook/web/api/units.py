"""Inventory units, the empty ones as well."""

from typing import Annotated

from msgspec import Meta

from stockhook.errors import NotFound
from stockhook.model import Unit
from stockhook.operations.desk import Desk
from stockhook.rows.stock import WholeUnit, whole_unit
from stockhook.web.api.filters import Sku, given, sku_of
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Id, Query, Routes

routes = Routes()


class UnitFilter(Query, frozen=True, kw_only=True):
    """Which units."""

    sku: Sku = None
    location: Annotated[str | None, Meta(description="Only in this location itself.")] = None
    lot: Annotated[str | None, Meta(description="Only of this lot, as it was written.")] = None
    serial: Annotated[str | None, Meta(description="Only the piece with this serial number.")] = None


@routes.get("/units")
def list_units(desk: Desk, query: UnitFilter, page: Page) -> Listed[WholeUnit]:
    """List inventory units, newest first, the empty ones as well; `/stock` has those with a quantity."""
    with desk.store.read() as view:
        sku = sku_of(view, query.sku)
        where = given(sku=sku, location=query.location, lot=query.lot, serial=query.serial)
        return listed(view, Unit, where, page, whole_unit)


@routes.get("/units/{unit_id}")
def show_unit(desk: Desk, unit_id: Id) -> WholeUnit:
    """Show one unit; `/movements?unit_id=` lists what became of it."""
    with desk.store.read() as view:
        found = view.find(Unit, {"id": unit_id}, most=1)
    if not found:
        raise NotFound(f"there is no unit {unit_id}; /stock lists them")
    return whole_unit(found[0])
