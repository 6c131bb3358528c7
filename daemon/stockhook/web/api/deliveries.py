"""Deliveries: the requests that the channels sent."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Delivery, DeliveryState
from stockhook.operations import deliveries as operations
from stockhook.operations.desk import Desk
from stockhook.operations.edges import span
from stockhook.rows.received import DeliveryRow, ShownDelivery, delivery_row, shown_delivery
from stockhook.web.api.filters import Channel, Code, Lot, OrderId, Since, Until, given, of_orders
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Id, Query, Routes

routes = Routes()


class DeliveryFilter(Query, frozen=True, kw_only=True):
    """Which deliveries."""

    channel: Channel = None
    state: Annotated[DeliveryState | None, Meta(description="Only those in this state.")] = None
    order_id: OrderId = None
    code: Code = None
    lot: Lot = None
    since: Since = None
    until: Until = None


@routes.get("/deliveries")
def list_deliveries(desk: Desk, query: DeliveryFilter, page: Page) -> Listed[DeliveryRow]:
    """List the requests that the channels sent, newest first."""
    with desk.store.read() as view:
        fields = given(channel=query.channel, state=query.state)
        days = span(view, Delivery, query.since, query.until)
        orders = of_orders(view, Delivery, query.order_id, query.code, query.lot)
        return listed(view, Delivery, fields | days | orders, page, delivery_row)


@routes.get("/deliveries/{delivery_id}")
def show_delivery(desk: Desk, delivery_id: Id) -> ShownDelivery:
    """Show one delivery with its headers and events.

    Its body is not among them: it may hold personal data.
    """
    return shown_delivery(operations.show(desk, delivery_id))


@routes.get("/deliveries/{delivery_id}/body")
def download_body(desk: Desk, delivery_id: Id) -> bytes:
    """Download the body of one delivery, byte for byte as the store sent it.

    It may hold personal data, and is there until its retention time is over or the order is forgotten.
    """
    return operations.body(desk, delivery_id)
