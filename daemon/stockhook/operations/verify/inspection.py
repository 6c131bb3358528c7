"""What the checks of the promises look at, and how they tell what they found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from stockhook.model import Catalogue, Order, OrderState, Part, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import pages
from stockhook.store import Read

ORDERS = 200
"""Orders that are looked at together."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One consistent view of the store. ``payload_days`` None: payloads are kept for ever."""

    desk: Desk
    view: Read
    payload_days: int | None

    @property
    def prune_before(self) -> datetime | None:
        """The moment before which payloads are removed; None where they never are."""
        return None if self.payload_days is None else self.desk.clock.now() - timedelta(days=self.payload_days)

    def orders(self) -> Iterator[tuple[OrderState, Catalogue]]:
        """Yield all orders, with what their codes mean."""
        for page in pages(self.view, Order, None, ORDERS):
            states = self.view.orders([order.key for order in page])
            codes = {(line.account, fold(line.code)) for state in states.values() for line in state.lines}
            bound = {part.sku for each in states.values() for part in _bound(each)}
            catalogue = self.view.catalogue(codes, bound) if codes else Catalogue()
            for state in states.values():
                yield state, catalogue


Finding: TypeAlias = tuple[str, int, str | None]
"""The name of a check, how many things it looked at, and a sentence for a counter-example, None where all hold."""

Look: TypeAlias = Callable[[Inspection], Iterator[Finding]]
"""One pass over some kind of records, for all checks that look at them."""


def _bound(state: OrderState) -> Iterator[Part]:
    """Yield what the lines of an order are bound to consume, whatever their codes mean by now."""
    for line in state.lines:
        if line.binding is not None:
            yield from line.binding.parts


def name(order: Order) -> str:
    """Return how an order is called in what a check says."""
    return f"order {order.account}/{order.order_id}"
