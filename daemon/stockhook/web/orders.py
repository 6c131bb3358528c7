"""Orders: what the store says of each line, what was booked for it, and what is still missing."""

from collections.abc import Callable

from stockhook.model import OrderKey, fold
from stockhook.operations.orders import shown
from stockhook.operations.targets import store_says
from stockhook.rules import ChannelRules
from stockhook.store import Read
from stockhook.web.page import Page, Values


class OrderPage(Page):
    """One order."""

    async def get(self, account: str, order_id: str) -> None:
        """Show it."""
        rules_for = self.site.desk.policies.rules_for
        await self.show("order.html", lambda view: order(view, OrderKey(account, order_id), rules_for))


def order(view: Read, key: OrderKey, rules_for: Callable[[str], ChannelRules]) -> Values:
    """Return what the page of an order shows; raises NotFound."""
    found = shown(view, key)
    return {
        "order": found.order,
        "lines": found.lines,
        "says": store_says(view, found.state, rules_for(found.order.channel)),
        "waits": found.waits,
        "unknown": {fold(each.line.code): each.line.code for each in found.lines},
        "corrections": found.corrections,
        "shortages": [row for line in found.lines for row in line.shortages],
        "allocations": found.allocations,
        "movements": found.movements[::-1],
        "events": found.events[::-1],
        "indexes": {each.line.number: each.line.item_index for each in found.lines},
        "codes": {each.line.number: each.line.code for each in found.lines},
        "problems": found.problems,
    }
