"""Deliveries: the requests that the channels sent."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Delivery, DeliveryState
from stockhook.operations import deliveries as operations
from stockhook.operations.desk import Desk
from stockhook.rows.received import DeliveryRow, ShownDelivery, delivery_row, shown_delivery
from stockhook.web.api.filters import Channel, Since, Until, given, span
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Id, Query, Routes

routes = Routes()


class DeliveryFilter(Query, frozen=True, kw_only=True):
    """Which deliveries."""

    channel: Channel = None
    state: Annotated[DeliveryState | None, Meta(description="Only those in this state.")] = None
    since: Since = None
    until: Until = None


@routes.get("/deliveries")
def list_deliveries(desk: Desk, query: DeliveryFilter, page: Page) -> Listed[DeliveryRow]:
    """List the requests that the channels sent, newest first."""
    with desk.store.read() as view:
        where = given(channel=query.channel, state=query.state) | span(view, Delivery, query.since, query.until)
        return listed(view, Delivery, where, page, delivery_row)


@routes.get("/deliveries/{delivery_id}")
def show_delivery(desk: Desk, delivery_id: Id) -> ShownDelivery:
    """Show one delivery with its headers and events.

    Its body is not among them: it may hold personal data. The page of the delivery offers it as a file.
    """
    return shown_delivery(operations.show(desk, delivery_id))
