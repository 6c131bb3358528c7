"""Recalls as rows: what became of goods, where they lie, and which orders got them."""

import shlex
from datetime import date

from stockhook.operations.recall import Recall, Shipment, Sums, Unnamed
from stockhook.quantity import text
from stockhook.rows.stock import UnitRow, unit_row
from stockhook.rows.values import Amount, Moment, Row, utc, utc_or_none


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
        sums=[_sums(one) for one in found.sums],
        units=[unit_row(each) for each in found.units],
        orders=[_shipment(one) for one in found.shipments],
        unnamed=[_unnamed(one) for one in found.unnamed],
        renamed=list(found.renamed),
        hold=f"stockhook stock hold {which} --reason recall" if found.free else None,
    )


def _sums(one: Sums) -> SumsRow:
    return SumsRow(
        sku=one.sku,
        lots=list(one.lots),
        received=text(one.received),
        shipped=text(one.shipped),
        reversed=text(one.reversed),
        returned=text(one.returned),
        adjusted=text(one.adjusted),
        counted=text(one.counted),
        moved=text(one.moved),
        left=text(one.left),
        unexplained=text(one.unexplained),
    )


def _shipment(one: Shipment) -> ShipmentRow:
    return ShipmentRow(
        account=one.account,
        order_id=one.order_id,
        channel=one.channel,
        line=one.line,
        item_index=one.item_index,
        code=one.code,
        sku=one.sku,
        shipped_at=utc_or_none(one.shipped_at),
        ship_date=one.ship_date,
        consumed=text(one.consumed),
        reversed=text(one.reversed),
        returned=text(one.returned),
        out=text(one.out),
        units=list(one.units),
    )


def _unnamed(one: Unnamed) -> UnnamedRow:
    return UnnamedRow(
        account=one.account,
        order_id=one.order_id,
        line=one.line,
        sku=one.sku,
        since=utc(one.since),
        owed=text(one.owed),
        waived=text(one.waived),
        counted=text(one.counted),
    )
