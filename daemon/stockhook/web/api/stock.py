"""Stock: what lies where, now or as the book had it at a moment."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from stockhook.model import Unit
from stockhook.operations import units as operations
from stockhook.operations.desk import Desk
from stockhook.rows.stock import UnitRow, unit_row
from stockhook.web.api.filters import Sku
from stockhook.web.api.paging import Listed, Page, listed_by
from stockhook.web.api.route import Query, Routes

routes = Routes()


class StockFilter(Query, frozen=True, kw_only=True):
    """Which units."""

    sku: Sku = None
    location: Annotated[str | None, Meta(description="Only in this location and those below it.")] = None
    lot: Annotated[str | None, Meta(description="Only of this lot, in whatever case.")] = None
    as_of: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="What the book said then, by the time of booking; otherwise now."),
    ] = None
    all: Annotated[bool, Meta(description="Those without a quantity as well.")] = False


@routes.get("/stock")
def list_stock(desk: Desk, query: StockFilter, page: Page) -> Listed[UnitRow]:
    """List the units that have a quantity, newest first: what is in stock, and what is below zero in suspense.

    With `as_of` each unit is as the book had it at that moment, in quantity, hold, lot and all: what was booked later
    does not count, whenever it happened.
    """
    return listed_by(
        Unit,
        page,
        unit_row,
        lambda after, most: operations.list_units(
            desk,
            sku=query.sku,
            location=query.location,
            lot=query.lot,
            as_of=query.as_of,
            everything=query.all,
            after=after,
            most=most,
        ),
    )
