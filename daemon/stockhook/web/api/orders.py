"""Orders: what is known of one, and what is booked for it."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Order, OrderKey
from stockhook.operations import forgetting
from stockhook.operations import orders as operations
from stockhook.operations.desk import Desk
from stockhook.rows.orders import ForgottenRow, OrderRow, ShownOrder, forgotten_row, order_row, shown_order
from stockhook.rows.values import Moment
from stockhook.store import Match, Range, Read
from stockhook.web.api.filters import Account, Channel, Code, Lot, OrderId, given, of_orders
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Query, Routes

routes = Routes()

OrderAccount = Annotated[str, Meta(description="The account, such as ultracart:DEMO.")]
OrderName = Annotated[str, Meta(description="The store's order id.")]


class OrderFilter(Query, frozen=True, kw_only=True):
    """Which orders."""

    order_id: OrderId = None
    account: Account = None
    channel: Channel = None
    code: Code = None
    lot: Lot = None
    since: Annotated[
        Moment | None, Meta(description="Only those whose first shipment was told at this moment or later.")
    ] = None
    until: Annotated[Moment | None, Meta(description="Only those whose first shipment was told before it.")] = None

    def where(self, view: Read) -> dict[str, Match]:
        """Return what they match."""
        found = given(order_id=self.order_id, account=self.account, channel=self.channel)
        if self.since is not None or self.until is not None:
            found["first_ship_at"] = Range(self.since, self.until)
        if self.code is not None or self.lot is not None:
            found |= of_orders(view, Order, self.order_id, self.code, self.lot)
        return found


@routes.get("/orders")
def list_orders(desk: Desk, query: OrderFilter, page: Page) -> Listed[OrderRow]:
    """List orders by account and order id, the greatest first."""
    with desk.store.read() as view:
        return listed(view, Order, query.where(view), page, order_row)


@routes.get("/orders/{account}/{order_id}")
def show_order(desk: Desk, account: OrderAccount, order_id: OrderName) -> ShownOrder:
    """Show one order: its lines, what was taken for them and why, what came back, what is owed, who corrected what."""
    with desk.store.read() as view:
        return shown_order(operations.shown(view, OrderKey(account, order_id)))


@routes.post("/orders/{account}/{order_id}/forget")
def forget_order(desk: Desk, account: OrderAccount, order_id: OrderName) -> ForgottenRow:
    """Remove the payloads of one order, with the personal data in them; its facts and what is booked stay.

    A payload goes as a whole, with whatever other orders came in the same request: they keep their facts as well.
    """
    return forgotten_row(forgetting.forget(desk, f"{account}/{order_id}"))
