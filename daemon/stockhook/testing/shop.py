"""A whole shop in one process: a store, a channel, a strategy and a worker that runs when it is told to."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from stockhook.batch import Policies
from stockhook.budget import Budget
from stockhook.channel import Channel
from stockhook.choice import Choices
from stockhook.model import (
    Body,
    Delivery,
    Event,
    Item,
    Kit,
    KitPolicy,
    Location,
    Movement,
    MovementKind,
    Part,
    Problem,
    ProblemState,
    Shortage,
    Unit,
)
from stockhook.operations.desk import Desk
from stockhook.operations.stock.receipts import Receipt, Received, receive
from stockhook.outbox import Subscription
from stockhook.quantity import ONE, Quantity, parse
from stockhook.rules import ChannelRules
from stockhook.store import FOREVER, Arrival, Match, Range, Store
from stockhook.strategy import Strategy, method
from stockhook.testing.clock import ManualClock
from stockhook.worker import Worker

R = TypeVar("R")


class Shop:
    """Delivers bodies to an open store, works them at once, and answers what became of it.

    Quantities go in as numbers or text of units and come out in millionths, except where a method says otherwise.
    ``choices`` stand in place of the one strategy; with ``shadow`` nothing is booked for orders.
    """

    def __init__(
        self,
        store: Store,
        channel: Channel,
        strategy: Strategy,
        *,
        rules: ChannelRules | None = None,
        name: str = "shop",
        clock: ManualClock | None = None,
        subscriptions: Mapping[str, Subscription] | None = None,
        budget: Budget | None = None,
        choices: Choices | None = None,
        shadow: bool = False,
    ) -> None:
        self.store = store
        self.name = name
        self.channel = channel
        self.clock = clock or ManualClock()
        self.rules = rules or ChannelRules(name)
        choices = choices or Choices(method(strategy, planner=(budget or Budget()).planner))
        policies = Policies({name: self.rules}, choices, shadow)
        self.desk = Desk(store, policies, subscriptions or {}, self.clock, "cli:test")
        self.worker = Worker(self.desk, {name: channel})

    def stock(self, **quantities: int | str) -> None:
        """Receive so much of each item (underscores in names stand for dashes) at MAIN, making what is missing."""
        self.items(*quantities)
        self.receive(*((name, amount) for name, amount in quantities.items()))

    def items(self, *names: str) -> None:
        """Add items, and the location MAIN."""
        with self.store.write() as work:
            work.save([Location("MAIN"), *(Item(name.replace("_", "-")) for name in names)])

    def kit(self, sku: str, policy: KitPolicy | None = None, **parts: int) -> None:
        """Define a kit of items."""
        defined = Kit(sku, tuple(Part(name.replace("_", "-"), n * ONE) for name, n in parts.items()), policy)
        self.items(sku)
        with self.store.write() as work:
            work.save([defined])

    def receive(self, *goods: tuple[str, int | str], **more: Any) -> Received:
        """Receive goods at MAIN; ``more`` goes to each receipt."""
        receipts = [
            Receipt(name.replace("_", "-"), parse(amount), **{"location": "MAIN", **more}) for name, amount in goods
        ]
        return receive(self.desk, receipts)

    def deliver(self, body: bytes, *, after: timedelta = timedelta(minutes=1)) -> int:
        """Store a body as a delivery and return its id; time moves on by ``after`` first."""
        now = self.clock.advance(after)
        digest = hashlib.sha256(body).digest()
        delivery = Delivery(0, self.name, now, "127.0.0.1", (), digest, len(body), due_at=now)
        return self.store.append([Arrival(delivery, Body(digest, "identity", body, len(body)))])[0]

    def work(self) -> int:
        """Work everything that is due; return how many events and orders that were."""
        done = 0
        while worked := self.worker.step():
            done += worked
        return done

    def send(self, body: bytes) -> list[Event]:
        """Deliver a body, work it, and return its events in order."""
        number = self.deliver(body)
        self.work()
        return list(reversed(self.find(Event, delivery_id=number)))

    def find(self, record: type[R], **where: Match) -> list[R]:
        """Return all records that match, newest first."""
        with self.store.read() as view:
            return view.find(record, where, most=FOREVER)

    def on_hand(self, sku: str) -> Quantity:
        """Return how much of an item there is; what is below zero in suspense does not lessen it."""
        return sum(unit.quantity for unit in self.find(Unit, sku=sku, suspense=False))

    def booked(self, order_id: str) -> dict[str, Quantity]:
        """Return what an order has consumed of goods and not given back, per item; returns do not lower it."""
        return self._consumed(order_id, suspense=False)

    def suspended(self, order_id: str) -> dict[str, Quantity]:
        """Return what is booked for an order below zero, per item."""
        return self._consumed(order_id, suspense=True)

    def returned(self, order_id: str) -> dict[str, Quantity]:
        """Return what of an order has come back, per item."""
        back: Counter[str] = Counter()
        for movement in self.find(Movement, order_id=order_id, kind=MovementKind.RETURN):
            back[movement.sku] += movement.quantity
        return dict(back)

    def _consumed(self, order_id: str, *, suspense: bool) -> dict[str, Quantity]:
        units = {unit.id for unit in self.find(Unit, suspense=suspense)}
        kinds = {MovementKind.CONSUMPTION, MovementKind.REVERSAL}
        booked: Counter[str] = Counter()
        for movement in self.find(Movement, order_id=order_id, kind=frozenset(kinds)):
            if movement.unit_id in units:
                booked[movement.sku] -= movement.quantity
        return {sku: quantity for sku, quantity in booked.items() if quantity}

    def owed(self, sku: str) -> Quantity:
        """Return the open shortages of an item."""
        return sum(row.open for row in self.find(Shortage, sku=sku, open=Range(low=1)))

    def problems(self) -> set[str]:
        """Return the kinds of the open problems."""
        return {problem.kind for problem in self.find(Problem, state=ProblemState.OPEN)}

    def states(self, order_id: str) -> Sequence[str]:
        """Return the states of an order's events, oldest first."""
        return [event.state.value for event in reversed(self.find(Event, order_id=order_id))]
