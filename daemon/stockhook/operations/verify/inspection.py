"""What each check of the promises looks at, and how it tells what it found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from stockhook.allocation import Pool
from stockhook.draft import Cause
from stockhook.evaluate import Evaluation, evaluate
from stockhook.model import NEW, Catalogue, Order, OrderState, Stock, fold
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
            catalogue = self.view.catalogue(codes) if codes else Catalogue()
            for state in states.values():
                yield state, catalogue

    def evaluated(self) -> Iterator[tuple[OrderState, Evaluation | None]]:
        """Yield all orders, evaluated as if nothing were in stock; None for those that are due to be worked."""
        cause = Cause(self.desk.clock.now(), self.desk.actor)
        policies = self.desk.policies
        for state, catalogue in self.orders():
            if state.order.due_at is not None:
                yield state, None
                continue
            rules = policies.rules_for(state.order.channel)
            pool = Pool(Stock())
            yield state, evaluate(state, rules, catalogue, pool, policies.choices, cause=cause, ids=count(NEW))


Look = Callable[[Inspection], Iterator[str | None]]
"""A check: yields None for each thing that holds, and a sentence for a counter-example."""


def name(order: Order) -> str:
    """Return how an order is called in what a check says."""
    return f"order {order.account}/{order.order_id}"
