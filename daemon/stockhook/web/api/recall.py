"""Recall: where the goods of a lot went."""

from typing import Annotated

from msgspec import Meta

from stockhook.operations import recall as operations
from stockhook.operations.desk import Desk
from stockhook.rows.recall import RecallRow, recall_row
from stockhook.web.api.faults import bad
from stockhook.web.api.route import Id, Query, Routes

routes = Routes()


class Recalled(Query, frozen=True, kw_only=True):
    """Which goods: one of the three."""

    lot: Annotated[str | None, Meta(description="The goods of this lot, of whatever items, in whatever case.")] = None
    serial: Annotated[str | None, Meta(description="The piece with this serial number, in whatever case.")] = None
    unit: Annotated[Id | None, Meta(description="The goods of this unit.")] = None


@routes.get("/recall")
def recall(desk: Desk, query: Recalled) -> RecallRow:
    """Tell which orders got the goods of a lot, a piece or a unit, what is left and where, and whether it adds up.

    Orders that were wholly taken back or returned are listed too.
    """
    if sum(asked is not None for asked in (query.lot, query.serial, query.unit)) != 1:
        raise bad("lot", "name goods by lot, by serial or by unit, one of the three")
    if query.unit is not None:
        return recall_row(operations.recall_unit(desk, query.unit), unit=query.unit)
    if query.serial is not None:
        return recall_row(operations.recall_serial(desk, query.serial))
    lot = query.lot or ""
    return recall_row(operations.recall_lot(desk, lot), lot=lot)
