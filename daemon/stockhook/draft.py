"""One evaluation's result while it grows: takes, shortage rows, movements, waits, and what a person should know."""

from collections.abc import Collection, Iterator
from dataclasses import field
from datetime import datetime
from typing import Final

from stockhook.allocation import Plan, Pool
from stockhook.model import (
    NEW,
    Allocation,
    Binding,
    Line,
    Movement,
    MovementKind,
    OrderState,
    Shortage,
    Take,
    Unit,
    Wait,
    WaitKind,
    fold,
    same_goods,
)
from stockhook.quantity import Quantity
from stockhook.record import record, replace
from stockhook.shortage import Lack, change, still_open, withdrawn, without_goods
from stockhook.target import moment_shipped

ALREADY_COUNTED: Final = "already counted"
"""The reason of a movement that has a count stand against what was taken, or given back, of goods gone before it."""


@record(frozen=True, slots=True)
class Cause:
    """Why an order is evaluated: when, by whom, and for which event, if one.

    Not ``settles``: a count has ended what was owed, and what is left of that stays owed as it is.
    """

    now: datetime
    actor: str
    event_id: int | None = None
    settles: bool = True


@record(frozen=True, slots=True)
class Signal:
    """Something a person should know: what kind of problem, of what, in words."""

    kind: str
    subject: str
    text: str


@record(frozen=False, slots=True)
class Draft:
    """Collects what is to be booked for one order; ``ids`` gives placeholders.

    ``takes`` and ``rows`` (shortages by id) start as what is booked and run along. ``bound`` holds the bindings of
    lines booked for the first time, ``units`` those that had to be made, ``skus`` the items whose units were read or
    moved. ``_takes_of`` and ``_rows_of`` find a line's own, by place and by id.
    """

    state: OrderState
    cause: Cause
    ids: Iterator[int]
    takes: list[Take] = field(default_factory=list)
    rows: dict[int, Shortage] = field(default_factory=dict)
    changed_rows: dict[int, Shortage] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    happened: list[Signal] = field(default_factory=list)
    standing: list[Signal] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    bound: dict[int, Binding] = field(default_factory=dict)
    skus: set[str] = field(default_factory=set)
    _takes_of: dict[int, list[int]] = field(default_factory=dict)
    _rows_of: dict[int, dict[int, None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for take in self.state.takes:
            self._took(take)
        for row in self.state.shortages:
            self._lacks(row)

    def _took(self, take: Take) -> None:
        self._takes_of.setdefault(take.line, []).append(len(self.takes))
        self.takes.append(take)

    def _lacks(self, row: Shortage) -> None:
        self._rows_of.setdefault(row.line, {})[row.id] = None
        self.rows[row.id] = row

    def consumed(self, line: Line, sku: str) -> Quantity:
        """Return what is booked for a line of an item and not reversed; what is in suspense is owed, not consumed."""
        return sum(take.remaining for take in self._taken(line, sku))

    def returned(self, line: Line, sku: str) -> Quantity:
        """Return how much of what a line took of an item has come back."""
        return sum(take.returned for take in self._taken(line, sku))

    def applied(self, line: Line, sku: str, *, owed: bool) -> Quantity:
        """Return how much of an item is booked for a line, or closed without goods; ``owed``: or owed to it."""
        rows = self.shortages(line, sku)
        return self.consumed(line, sku) + without_goods(rows) + (still_open(rows) if owed else 0)

    def _taken(self, line: Line, sku: str) -> list[Take]:
        mine = [self.takes[n] for n in self._takes_of.get(line.number, ())]
        return [take for take in mine if take.sku == sku and not take.suspense]

    def shortages(self, line: Line, sku: str) -> list[Shortage]:
        """Return the shortage rows of a line for an item, oldest first."""
        rows = (self.rows[row_id] for row_id in self._rows_of.get(line.number, ()))
        return [row for row in rows if row.sku == sku]

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
            self._took(Take(movement.id, pick.unit_id, line.number, sku, pick.quantity, pick.quantity))

    def reverse(
        self, line: Line, sku: str, most: Quantity, pool: Pool, reason: str, *, sparing: Collection[int] = ()
    ) -> Quantity:
        """Give back at most ``most`` of what was taken, last taken first; return how much.

        What came back as a return stays booked as it is, and so does what was taken from the units ``sparing``. A
        unit that was counted since the line shipped keeps its quantity, whenever it was taken from: the count stands
        (strategies.md section 5).
        """
        left, moment = most, moment_shipped(self.state.order, line)
        for n, take in self._last_first(line, sku):
            quantity = min(left, take.returnable)
            if not quantity or take.unit_id in sparing:
                continue
            left -= quantity
            back = self._move(line, sku, take.unit_id, quantity, reverses=take.movement_id, reason=reason)
            made_up = min(quantity, take.counted)
            if made_up:
                self._make_up(line, take, -made_up, take.movement_id)
            stands = quantity - made_up if moment and pool.unit_counted(take.unit_id, moment) else 0
            if stands:
                self._make_up(line, take, -stands, back.id)
            pool.move(take.unit_id, quantity - made_up - stands)
            self.takes[n] = replace(take, remaining=take.remaining - quantity, counted=take.counted - made_up)
        return most - left

    def take_back(
        self, line: Line, sku: str, quantity: Quantity, pool: Pool, *, to: str | None, reason: str
    ) -> Quantity:
        """Book that so much of what a line took has come back, last taken first; return how much could be.

        It goes to the unit that it came from or, where ``to`` names a location, to a unit there that is like it. A
        piece with a serial number that is in stock by now is not put there twice.
        """
        left = quantity
        for n, take in self._last_first(line, sku):
            part = min(left, take.returnable)
            origin = pool.unit(take.unit_id) if part else None
            if origin is None or (origin.serial is not None and _in_stock(origin, pool)):
                continue
            unit_id = origin.id if to is None or to == origin.location else self._like(origin, to, part, pool)
            left -= part
            self.takes[n] = replace(take, returned=take.returned + part)
            kind = MovementKind.RETURN
            self._move(line, sku, unit_id, part, kind=kind, reverses=take.movement_id, reason=reason)
            pool.move(unit_id, part)
        return quantity - left

    def already_counted(self, line: Line, pool: Pool, moment: datetime) -> None:
        """Make up for what this unit of work takes for a line from units counted since ``moment``, when it shipped.

        The goods were gone when the shelf was counted: the counted quantity stands (strategies.md section 5).
        """
        for n in self._takes_of.get(line.number, ()):
            take = self.takes[n]
            more = take.remaining - take.counted
            fresh = take.movement_id >= NEW and not take.suspense
            if fresh and more > 0 and pool.unit_counted(take.unit_id, moment):
                self._make_up(line, take, more, take.movement_id)
                pool.move(take.unit_id, more)
                self.takes[n] = replace(take, counted=take.counted + more)

    def suspend(self, line: Line, sku: str, quantity: Quantity, pool: Pool) -> None:
        """Book what is owed to a line on the item's suspense unit, which is made if there is none."""
        unit = pool.suspense(sku)
        if unit is None:
            unit = Unit(next(self.ids), sku, "", 0, 0, self.cause.now, suspense=True)
            pool.add(unit)
            self.units.append(unit)
        movement = self._move(line, sku, unit.id, -quantity, reason="owed")
        self._took(Take(movement.id, unit.id, line.number, sku, quantity, quantity, suspense=True))

    def release(self, line: Line, sku: str, quantity: Quantity) -> None:
        """Take so much of what is owed to a line off the suspense unit, last booked first."""
        left = quantity
        for n, take in self._last_first(line, sku, suspense=True):
            part = min(left, take.suspended)
            if part:
                left -= part
                self.takes[n] = replace(take, remaining=take.remaining - part)
                self._move(line, sku, take.unit_id, part, reverses=take.movement_id, reason="no longer owed")

    def owe(self, line: Line, sku: str, *, owed: Quantity, settled: Quantity, counted: Quantity = 0) -> None:
        """Make ``owed`` the open shortage of a line.

        ``settled`` says how much of a drop was covered by goods, ``counted`` how much a count has ended, or kept from
        being owed at all.
        """
        lack = Lack(line.account, line.order_id, line.number, sku)
        rows, new_id, now = self.shortages(line, sku), next(self.ids), self.cause.now
        for row in change(rows, lack, owed=owed, settled=settled, counted=counted, new_id=new_id, now=now):
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
        self._lacks(row)
        self.changed_rows[row.id] = row
        self.skus.add(row.sku)

    def close_counted(self, line: Line, sku: str, quantity: Quantity) -> None:
        """Close so much of the open shortage of a line, oldest first: the shelf has been counted since it shipped."""
        self.owe(line, sku, owed=still_open(self.shortages(line, sku)) - quantity, settled=0, counted=quantity)

    def _last_first(self, line: Line, sku: str, *, suspense: bool = False) -> Iterator[tuple[int, Take]]:
        for n in reversed(self._takes_of.get(line.number, ())):
            take = self.takes[n]
            if take.sku == sku and take.suspense is suspense:
                yield n, take

    def _like(self, origin: Unit, location: str, quantity: Quantity, pool: Pool) -> int:
        """Return the unit in a location that holds what comes back of ``origin``; made where there is none."""
        known = origin.id < NEW
        reference = f"returned from unit {origin.id}" if known else "returned"
        made = replace(origin, id=0, location=location, quantity=0, received=quantity, reference=reference)
        for unit in pool.units(origin.sku):
            if known and unit.location == location and same_goods(unit, made):
                return unit.id
        made = replace(made, id=next(self.ids))
        pool.add(made)
        self.units.append(made)
        return made.id

    def _make_up(self, line: Line, take: Take, quantity: Quantity, of: int) -> None:
        """Have a count stand against the movement ``of``: a take, or the reversal of one that was booked before it."""
        kind = MovementKind.COUNT
        self._move(line, take.sku, take.unit_id, quantity, kind=kind, reverses=of, reason=ALREADY_COUNTED)

    def _move(
        self,
        line: Line,
        sku: str,
        unit_id: int,
        quantity: Quantity,
        *,
        kind: MovementKind | None = None,
        allocation_id: int | None = None,
        reverses: int | None = None,
        reason: str | None = None,
    ) -> Movement:
        movement = Movement(
            id=next(self.ids),
            unit_id=unit_id,
            sku=sku,
            kind=kind or (MovementKind.CONSUMPTION if reverses is None else MovementKind.REVERSAL),
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


def _in_stock(piece: Unit, pool: Pool) -> bool:
    """Tell whether a piece with a serial number lies somewhere already: a person has booked it in."""
    serial = fold(piece.serial or "")
    return any(unit.quantity > 0 and fold(unit.serial or "") == serial for unit in pool.units(piece.sku))
