"""Locations: the places where goods lie."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Location
from stockhook.operations import locations as operations
from stockhook.operations.desk import Desk
from stockhook.operations.locations import known_location
from stockhook.operations.words import LONGEST
from stockhook.rows.stock import (
    AddedLocation,
    ChangedLocation,
    LocationRow,
    added_location,
    changed_location,
    location_row,
)
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Routes

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


Sequence = Annotated[int, Meta(ge=-operations.MOST_SEQUENCE, le=operations.MOST_SEQUENCE)]


class NewLocation(Content, frozen=True, kw_only=True):
    """A location; a smaller ``pick_sequence`` is picked earlier."""

    path: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    pickable: bool = True
    pick_sequence: Sequence | None = None


@routes.post("/locations")
def add_location(desk: Desk, body: NewLocation) -> AddedLocation:
    """Add a location, and those above it that are missing."""
    added = operations.add(desk, body.path, pickable=body.pickable, pick_sequence=body.pick_sequence)
    return added_location(added)


class LocationSettings(Content, frozen=True, kw_only=True):
    """What is changed of a location; null, or left out, stays."""

    pickable: bool | None = None
    pick_sequence: Sequence | None = None


@routes.post("/locations/{path}/set")
def set_location(desk: Desk, path: Path, body: LocationSettings) -> ChangedLocation:
    """Change whether a location may be picked from, and when it comes in turn.

    Goods in one that may be picked from now settle what is owed of them.
    """
    changed = operations.change(desk, path, pickable=body.pickable, pick_sequence=body.pick_sequence)
    return changed_location(changed)
