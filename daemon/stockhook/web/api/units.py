"""Inventory units, the empty ones as well."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from stockhook.model import Unit
from stockhook.operations.desk import Desk
from stockhook.operations.records import known
from stockhook.operations.stock import adjustments, amendments, holds, transfers
from stockhook.rows.changes import (
    AdjustedRow,
    AmendedRow,
    HeldRow,
    MovedRow,
    adjusted_row,
    amended_row,
    held_row,
    moved_row,
)
from stockhook.rows.stock import WholeUnit, whole_unit
from stockhook.web.api.contents import Amount, At, Cost, Day, Priority, Reason, Signed, Text, quantity, quantity_or_none
from stockhook.web.api.filters import Sku, given, sku_of
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Id, Query, Routes

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
        return whole_unit(known(view, Unit, unit_id))


class Adjustment(Content, frozen=True, kw_only=True):
    """By how much, and why: damaged, lost, found, expired, sample, theft, correction, or any short text."""

    quantity: Signed
    reason: Reason
    settle: Annotated[bool, Meta(description="Use what is added for what is owed of the item.")] = False


class Move(Content, frozen=True, kw_only=True):
    """How much, and to which location."""

    quantity: Amount
    to: Text


class Why(Content, frozen=True, kw_only=True):
    """Why it is done."""

    reason: Reason


class Amendment(Content, frozen=True, kw_only=True):
    """What was written down wrong: what is given is changed, null empties it, and what is left out stays."""

    reason: Reason
    lot: Text | UnsetType | None = UNSET
    serial: Text | UnsetType | None = UNSET
    expires_on: Day | UnsetType | None = UNSET
    received_at: At | UnsetType = UNSET
    unit_cost: Cost | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    reference: Text | UnsetType | None = UNSET


@routes.post("/units/{unit_id}/adjust")
def adjust_unit(desk: Desk, unit_id: Id, body: Adjustment) -> AdjustedRow:
    """Change the quantity of a unit: +3 found, -1 damaged."""
    by = quantity(body.quantity, "quantity")
    return adjusted_row(adjustments.adjust(desk, unit_id, by, body.reason, settle=body.settle))


@routes.post("/units/{unit_id}/move")
def move_unit(desk: Desk, unit_id: Id, body: Move) -> MovedRow:
    """Move so much of a unit to another location; what arrives where orders may take it settles what is owed."""
    return moved_row(transfers.move(desk, unit_id, quantity(body.quantity, "quantity"), body.to))


@routes.post("/units/{unit_id}/hold")
def hold_unit(desk: Desk, unit_id: Id, body: Why) -> HeldRow:
    """Keep a unit from all orders until it is released."""
    return held_row(holds.hold(desk, body.reason, unit_id=unit_id))


@routes.post("/units/{unit_id}/release")
def release_unit(desk: Desk, unit_id: Id, body: Why) -> HeldRow:
    """Offer a held unit to orders again; what is owed of it is settled at once."""
    return held_row(holds.release(desk, body.reason, unit_id=unit_id))


@routes.post("/units/{unit_id}/amend")
def amend_unit(desk: Desk, unit_id: Id, body: Amendment) -> AmendedRow:
    """Put right what was written down about a unit; orders that took of it are known by the new words too."""
    given = {name: value for name, value in asdict(body).items() if value is not UNSET and name != "reason"}
    if "unit_cost" in given:
        given["unit_cost"] = quantity_or_none(given["unit_cost"], "unit_cost")
    return amended_row(amendments.amend(desk, unit_id, given, body.reason))
