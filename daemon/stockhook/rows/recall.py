"""Recalls as rows: what became of goods, where they lie, and which orders got them."""

import shlex
from datetime import date

from stockhook.operations.recall import Recall
from stockhook.rows.stock import UnitRow, unit_row
from stockhook.rows.values import Amount, Moment, Row, row_of


class SumsRow(Row, frozen=True, kw_only=True):
    """What became of an item's goods.

    ``left`` = received - shipped + reversed + returned + adjusted + counted + moved + unexplained; the last is 0 in a
    book that is sound.
    """

    sku: str
    lots: list[str | None]
    received: Amount
    shipped: Amount
    reversed: Amount
    returned: Amount
    adjusted: Amount
    counted: Amount
    moved: Amount
    left: Amount
    unexplained: Amount


class ShipmentRow(Row, frozen=True, kw_only=True):
    """What one line of an order got of the goods: ``out`` = consumed - reversed - returned."""

    account: str
    order_id: str
    channel: str
    line: int
    item_index: int
    code: str
    sku: str
    shipped_at: Moment | None
    ship_date: date | None
    consumed: Amount
    reversed: Amount
    returned: Amount
    out: Amount
    units: list[int]


class UnnamedRow(Row, frozen=True, kw_only=True):
    """Goods of the item that left while these were there, and of which nobody knows the unit."""

    account: str
    order_id: str
    line: int
    sku: str
    since: Moment
    owed: Amount
    waived: Amount
    counted: Amount


class RecallRow(Row, frozen=True, kw_only=True):
    """Where goods went; ``renamed`` are units that bore the name asked for, and have another one now.

    ``hold`` is the command that keeps from orders what is left, null where nothing may be taken any more.
    """

    sums: list[SumsRow]
    units: list[UnitRow]
    orders: list[ShipmentRow]
    unnamed: list[UnnamedRow]
    renamed: list[int]
    hold: str | None


def recall_row(found: Recall, lot: str | None = None, unit: int | None = None) -> RecallRow:
    """Return what `recall` found of a lot, of a unit, or of a piece, which is neither."""
    which = str(unit or found.units[0].id) if lot is None else f"--lot {shlex.quote(lot)}"
    return RecallRow(
        sums=[row_of(SumsRow, one) for one in found.sums],
        units=[unit_row(each) for each in found.units],
        orders=[row_of(ShipmentRow, one) for one in found.shipments],
        unnamed=[row_of(UnnamedRow, one) for one in found.unnamed],
        renamed=list(found.renamed),
        hold=f"stockhook stock hold {which} --reason recall" if found.free else None,
    )
