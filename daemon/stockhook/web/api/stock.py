"""Stock: what lies where, now or as the book had it at a moment."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from stockhook.model import Unit
from stockhook.operations import units as operations
from stockhook.operations.desk import Desk
from stockhook.operations.stock import counts, holds
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.stock.tallies import Tally
from stockhook.rows.changes import CountsRow, HeldRow, ReceivedRow, counts_row, held_row, received_row
from stockhook.rows.stock import UnitRow, unit_row
from stockhook.web.api.contents import (
    Amount,
    At,
    Cost,
    Counted,
    Day,
    Priority,
    Reason,
    Text,
    quantity,
    quantity_or_none,
)
from stockhook.web.api.faults import bad
from stockhook.web.api.filters import Sku
from stockhook.web.api.paging import Listed, Page, key_of, listed_by, listed_then
from stockhook.web.api.route import Content, Id, Query, Routes

routes = Routes()

LOOKED_AT: Final = 500
"""Units of which one page adds up what they had at a moment: with years behind it a store has many that are used up."""


class StockFilter(Query, frozen=True, kw_only=True):
    """Which units."""

    sku: Sku = None
    location: Annotated[str | None, Meta(description="Only in this location and those below it.")] = None
    lot: Annotated[str | None, Meta(description="Only of this lot, as it was written.")] = None
    as_of: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="What the book said then, by the time of booking; otherwise now. A day alone is refused."),
    ] = None
    all: Annotated[bool, Meta(description="Those without a quantity as well.")] = False


@routes.get("/stock")
def list_stock(desk: Desk, query: StockFilter, page: Page) -> Listed[UnitRow]:
    """List the units that have a quantity, newest first: what is in stock, and what is below zero in suspense.

    With `as_of` each unit is as the book had it at that moment, in quantity, hold, lot and all: what was booked later
    does not count, whenever it happened.
    """
    asked = operations.Selection(query.sku, query.location, query.lot, everything=query.all)
    if query.as_of is not None:
        found = operations.units_then(
            desk,
            query.as_of,
            asked,
            after=key_of(Unit, page.cursor),
            most=page.limit,
            looked_at=LOOKED_AT,
        )
        return listed_then(Unit, [unit_row(unit) for unit in found.units], found.last)
    return listed_by(
        Unit,
        page,
        unit_row,
        lambda after, most: operations.list_units(desk, asked, after=after, most=most),
    )


class Goods(Content, frozen=True, kw_only=True):
    """Goods that come in as one unit; ``received_at`` null: now."""

    sku: Text
    quantity: Amount
    location: Text
    lot: Text | None = None
    serial: Text | None = None
    expires_on: Day | None = None
    received_at: At | None = None
    unit_cost: Cost | None = None
    priority: Priority | None = None
    reference: Text | None = None


class CountedGoods(Content, frozen=True, kw_only=True):
    """How much there was of one unit, or of an item at a location itself."""

    quantity: Counted
    unit_id: Id | None = None
    sku: Text | None = None
    location: Text | None = None


class Counting(Content, frozen=True, kw_only=True):
    """What was counted, and when; ``at`` null: now."""

    counts: Annotated[list[CountedGoods], Meta(min_length=1, max_length=1000)]
    at: At | None = None


class Lot(Content, frozen=True, kw_only=True):
    """All units of a lot, of whatever items."""

    lot: Text
    reason: Reason


@routes.post("/stock/receive")
def receive_goods(desk: Desk, body: Goods) -> ReceivedRow:
    """Book goods in; what was owed of them is settled at once, oldest order first."""
    receipt = Receipt(
        body.sku,
        quantity(body.quantity, "quantity"),
        body.location,
        body.received_at,
        body.lot,
        body.serial,
        body.expires_on,
        quantity_or_none(body.unit_cost, "unit_cost"),
        body.priority,
        body.reference,
    )
    return received_row(receive(desk, [receipt]))


@routes.post("/stock/count")
def count_stock(desk: Desk, body: Counting) -> CountsRow:
    """Say how much there was: the book follows the shelf, all counts or none."""
    return counts_row(counts.count(desk, [_tally(one, number) for number, one in enumerate(body.counts)], body.at))


@routes.post("/stock/hold")
def hold_lot(desk: Desk, body: Lot) -> HeldRow:
    """Keep a whole lot from all orders until it is released: quarantine, a recall."""
    return held_row(holds.hold(desk, body.reason, lot=body.lot))


@routes.post("/stock/release")
def release_lot(desk: Desk, body: Lot) -> HeldRow:
    """Offer a whole lot to orders again; what is owed of it is settled at once."""
    return held_row(holds.release(desk, body.reason, lot=body.lot))


def _tally(count: CountedGoods, number: int) -> Tally:
    place = f"counts[{number}]"
    of_item = count.sku is not None and count.location is not None
    if of_item is (count.unit_id is not None) or (count.unit_id and (count.sku or count.location)):
        raise bad(place, f"{place}: say what was counted: a unit_id, or an item by sku and location")
    amount = quantity(count.quantity, f"{place}.quantity")
    return Tally(amount, count.unit_id, count.sku or "", count.location or "", where=f"{place}: ")
