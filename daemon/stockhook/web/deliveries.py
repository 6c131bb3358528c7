"""Deliveries: each request a store has sent, what it held, and what came of it."""

from stockhook.model import Delivery, DeliveryState
from stockhook.operations import deliveries as operations
from stockhook.store import Read
from stockhook.web.filters import ORDERS, SINCE, UNTIL, Filter
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import listing


class DeliveriesPage(Page):
    """The list of deliveries, newest first."""

    async def get(self) -> None:
        """Show it, as filtered."""
        fields = {"state": "state", "channel": "channel"}
        chosen = Filter({name: self.asked(name) for name in (*fields, *ORDERS, SINCE, UNTIL)}, fields)
        before, channels = self.asked("before"), [*self.site.settings.channels]

        def gather(view: Read) -> Values:
            orders = chosen.orders(view)
            found = listing(view, Delivery, chosen.where(view, Delivery, orders), chosen.asked, before=before)
            kinds = [*DeliveryState]
            return {
                "listing": found,
                "asked": chosen.asked,
                "given": chosen.given,
                "cut": chosen.cut(orders),
                "channels": channels,
                "kinds": kinds,
            }

        await self.show("deliveries.html", gather)


class DeliveryPage(Page):
    """One delivery."""

    async def get(self, written: str) -> None:
        """Show it with its events."""
        await self.show("delivery.html", lambda view: delivery(view, written))


class BodyDownload(Page):
    """The raw body of a delivery, as a file."""

    async def get(self, written: str) -> None:
        """Answer with it; never to be shown by the browser itself, because a stranger wrote it."""
        delivery_id = number(written, "delivery")
        body = await self.in_thread(lambda: operations.body(self.site.desk, delivery_id))
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f'attachment; filename="delivery-{delivery_id}.body"')
        await self.finish(body)


def delivery(view: Read, written: str) -> Values:
    """Return what the page of a delivery shows; raises NotFound."""
    delivery_id = number(written, "delivery")
    found = operations.shown(view, delivery_id)
    return {"delivery": found.delivery, "events": found.events, "kept": found.kept}
