"""One evaluation's result while it grows: takes, shortage rows, movements, waits, and what a person should know."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from stockhook.allocation import Plan, Pool
from stockhook.model import (
    Allocation,
    Binding,
    Line,
    Movement,
    MovementKind,
    OrderState,
    Shortage,
    Take,
    Wait,
    WaitKind,
)
from stockhook.quantity import Quantity
from stockhook.record import record, replace
from stockhook.shortage import Lack, change, withdrawn


@record(frozen=True, slots=True)
class Cause:
    """Why an order is evaluated: when, by whom, and for which event, if one."""

    now: datetime
    actor: str
    event_id: int | None = None


@record(frozen=True, slots=True)
class Signal:
    """Something a person should know: what kind of problem, of what, in words."""

    kind: str
    subject: str
    text: str


@dataclass(slots=True)
class Draft:
    """Collects what is to be booked for one order; ``ids`` gives placeholders.

    ``takes`` and ``rows`` (shortages by id) start as what is booked and run along. ``bound`` holds the bindings of
    lines booked for the first time, ``skus`` the items whose units were read or moved.
    """

    state: OrderState
    cause: Cause
    ids: Iterator[int]
    takes: list[Take] = field(default_factory=list)
    rows: dict[int, Shortage] = field(default_factory=dict)
    changed_rows: dict[int, Shortage] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    happened: list[Signal] = field(default_factory=list)
    standing: list[Signal] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    bound: dict[int, Binding] = field(default_factory=dict)
    skus: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.takes = list(self.state.takes)
        self.rows = {row.id: row for row in self.state.shortages}

    def consumed(self, line: Line, sku: str) -> Quantity:
        """Return what is booked for a line of an item and not reversed."""
        return sum(take.remaining for take in self.takes if take.line == line.number and take.sku == sku)

    def shortages(self, line: Line, sku: str) -> list[Shortage]:
        """Return the shortage rows of a line for an item, oldest first."""
        return [row for row in self.rows.values() if row.line == line.number and row.sku == sku]

    def consume(
        self, line: Line, binding: Binding, need: Quantity, sku: str, plan: Plan, reason: str | None = None
    ) -> None:
        """Book a plan: the decision with its trace, and a movement for each pick; ``reason`` is a person's."""
        allocation = Allocation(
            id=next(self.ids),
            account=line.account,
            order_id=line.order_id,
            line=line.number,
            sku=sku,
            at=self.cause.now,
            event_id=self.cause.event_id,
            need=need,
            taken=plan.taken,
            trace=plan.trace,
        )
        self.allocations.append(allocation)
        self.bound[line.number] = binding
        for pick in plan.picks:
            movement = self._move(line, sku, pick.unit_id, -pick.quantity, allocation_id=allocation.id, reason=reason)
            self.takes.append(Take(movement.id, pick.unit_id, line.number, sku, pick.quantity, pick.quantity))

    def reverse(
        self, line: Line, sku: str, most: Quantity, pool: Pool, reason: str, *, sparing: Collection[int] = ()
    ) -> Quantity:
        """Give back at most ``most`` of what was taken, last taken first; return how much.

        What came back as a return stays booked as it is, and so does what was taken from the units ``sparing``.
        """
        left = most
        for n in range(len(self.takes) - 1, -1, -1):
            take = self.takes[n]
            out = take.remaining - take.returned
            if not left or take.line != line.number or take.sku != sku or not out or take.unit_id in sparing:
                continue
            quantity = min(left, out)
            left -= quantity
            self.takes[n] = replace(take, remaining=take.remaining - quantity)
            self._move(line, sku, take.unit_id, quantity, reverses=take.movement_id, reason=reason)
            pool.move(take.unit_id, quantity)
        return most - left

    def owe(self, line: Line, sku: str, *, owed: Quantity, settled: Quantity) -> None:
        """Make ``owed`` the open shortage of a line; ``settled`` says how much of a drop was covered by goods."""
        lack = Lack(line.account, line.order_id, line.number, sku)
        rows = self.shortages(line, sku)
        for row in change(rows, lack, owed=owed, settled=settled, new_id=next(self.ids), now=self.cause.now):
            self.keep(row)
        self.skus.add(sku)

    def withdraw(self, line: Line, sku: str, most: Quantity) -> Quantity:
        """Withdraw at most ``most`` of what was closed without goods, newest first; return how much."""
        changed = withdrawn(self.shortages(line, sku), most)
        before = sum(self.rows[row.id].withdrawn for row in changed)
        for row in changed:
            self.keep(row)
        return sum(row.withdrawn for row in changed) - before

    def keep(self, row: Shortage) -> None:
        """Put a shortage in the place of the one that it was."""
        self.rows[row.id] = self.changed_rows[row.id] = row
        self.skus.add(row.sku)

    def _move(
        self,
        line: Line,
        sku: str,
        unit_id: int,
        quantity: Quantity,
        *,
        allocation_id: int | None = None,
        reverses: int | None = None,
        reason: str | None = None,
    ) -> Movement:
        movement = Movement(
            id=next(self.ids),
            unit_id=unit_id,
            sku=sku,
            kind=MovementKind.CONSUMPTION if reverses is None else MovementKind.REVERSAL,
            quantity=quantity,
            at=self.cause.now,
            actor=self.cause.actor,
            account=line.account,
            order_id=line.order_id,
            line=line.number,
            event_id=self.cause.event_id,
            allocation_id=allocation_id,
            reverses=reverses,
            reason=reason,
        )
        self.movements.append(movement)
        self.skus.add(sku)
        return movement

    def waited(self, kind: WaitKind, subject: str) -> bool:
        """Tell whether the order waited for this before."""
        return any(wait.kind is kind and wait.subject == subject for wait in self.state.waits)

    def wait(self, kind: WaitKind, subject: str) -> None:
        """Have the order wait for something."""
        wait = Wait(self.state.order.account, self.state.order.order_id, kind, subject)
        if wait not in self.waits:
            self.waits.append(wait)

    def stands(self, kind: str, line: Line | None, words: str) -> None:
        """Note a problem of this order, or of one of its lines, that holds now."""
        order = self.state.order
        subject = f"{order.account}/{order.order_id}" + (f"/{line.item_index}" if line is not None else "")
        self.standing.append(Signal(kind, subject, f"order {order.order_id}: {words}"))
