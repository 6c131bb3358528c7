"""Corrections: a person's word on what left of an order's line, whence, and what came back."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeAlias

from msgspec import Meta

from stockhook.operations.corrections import amounts, conflicts, returns, sources
from stockhook.operations.corrections.case import Corrected
from stockhook.operations.desk import Desk
from stockhook.rows.orders import CorrectedRow, corrected_row
from stockhook.web.api.contents import Amount, Reason, Text, quantity
from stockhook.web.api.orders import OrderAccount, OrderName
from stockhook.web.api.route import Content, Id, Routes

routes = Routes()

Act: TypeAlias = Callable[..., Corrected]

ItemIndex: TypeAlias = Annotated[
    int, Meta(ge=0, le=10**9, description="The store's index of the line: `item_index` of the order.")
]


class ToUnit(Content, frozen=True, kw_only=True, tag_field="kind", tag="to-unit"):
    """It was taken from this unit, whatever the strategy chose; ``instead_of``: only what was taken from that one."""

    reason: Reason
    unit_id: Id
    instead_of: Id | None = None

    @property
    def act(self) -> Act:
        """What does it."""
        return partial(sources.take_from_unit, unit_id=self.unit_id, instead_of=self.instead_of)


class ToLot(Content, frozen=True, kw_only=True, tag_field="kind", tag="to-lot"):
    """It was taken from this lot, oldest receipt first; ``sku``: of which item, on a line of several."""

    reason: Reason
    lot: Text
    sku: Text | None = None
    instead_of: Id | None = None

    @property
    def act(self) -> Act:
        """What does it."""
        return partial(sources.take_from_lot, lot=self.lot, sku=self.sku, instead_of=self.instead_of)


class Left(Content, frozen=True, kw_only=True, tag_field="kind", tag="quantity"):
    """So much really left; what the store repeats does not undo it."""

    reason: Reason
    quantity: Amount

    @property
    def act(self) -> Act:
        """What does it."""
        return partial(amounts.set_quantity, quantity=quantity(self.quantity, "quantity"))


class CameBack(Content, frozen=True, kw_only=True, tag_field="kind", tag="returned"):
    """So much came back (again), in the item's own units; ``sku``: of which item, on a line of several."""

    reason: Reason
    quantity: Amount
    sku: Text | None = None

    @property
    def act(self) -> Act:
        """What does it."""
        return partial(returns.take_back, quantity=quantity(self.quantity, "quantity"), sku=self.sku)


class Accept(Content, frozen=True, kw_only=True, tag_field="kind", tag="accept"):
    """The line is what the store says now: reverse, and book that."""

    reason: Reason

    @property
    def act(self) -> Act:
        """What does it."""
        return conflicts.accept


class Refuse(Content, frozen=True, kw_only=True, tag_field="kind", tag="refuse"):
    """The line stays what it was booked as, whatever the store says now."""

    reason: Reason

    @property
    def act(self) -> Act:
        """What does it."""
        return conflicts.refuse


class AsStore(Content, frozen=True, kw_only=True, tag_field="kind", tag="as-store"):
    """Take every ruling on the quantity back, and book what the store says."""

    reason: Reason

    @property
    def act(self) -> Act:
        """What does it."""
        return amounts.follow_store


Correction: TypeAlias = ToUnit | ToLot | Left | CameBack | Accept | Refuse | AsStore


@routes.post("/orders/{account}/{order_id}/lines/{item_index}/correct")
def correct_line(
    desk: Desk, account: OrderAccount, order_id: OrderName, item_index: ItemIndex, body: Correction
) -> CorrectedRow:
    """Put right how a line was booked: reversed and taken anew in one commit, with who and why."""
    return corrected_row(body.act(desk, order=f"{account}/{order_id}", item_index=item_index, reason=body.reason))
