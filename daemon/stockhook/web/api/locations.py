"""Locations: the places where goods lie."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Location
from stockhook.operations.desk import Desk
from stockhook.operations.locations import known_location
from stockhook.rows.stock import LocationRow, location_row
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Routes

routes = Routes()

Path = Annotated[str, Meta(description="The path, its slashes written %2F: MAIN%2FFG.")]


@routes.get("/locations")
def list_locations(desk: Desk, page: Page) -> Listed[LocationRow]:
    """List locations by path, the greatest first."""
    with desk.store.read() as view:
        return listed(view, Location, {}, page, location_row)


@routes.get("/locations/{path}")
def show_location(desk: Desk, path: Path) -> LocationRow:
    """Show one location."""
    with desk.store.read() as view:
        return location_row(known_location(view, path))
