"""What a person may see of an order: its facts, what is booked for it, from which units, and why."""

from collections import Counter
from dataclasses import dataclass

from stockhook.errors import NotFound, Refused
from stockhook.model import (
    Allocation,
    Audit,
    Event,
    Line,
    Movement,
    Order,
    OrderKey,
    OrderState,
    Problem,
    ProblemState,
    Shortage,
    Take,
    Unit,
    Wait,
)
from stockhook.operations.audit import of_order
from stockhook.operations.desk import Desk
from stockhook.operations.suggestions import did_you_mean, near
from stockhook.quantity import Quantity, text
from stockhook.store import FOREVER, Read

_NEWEST = 1000
"""Orders among which a near miss of an order id is looked for."""


@dataclass(frozen=True, slots=True)
class Taken:
    """So much of a unit for a line; ``why`` is what made the strategy choose it, None for one whose trace is gone."""

    take: Take
    location: str
    lot: str | None
    serial: str | None
    strategy: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line, what was taken for it, and what is or was owed; quantities in item units."""

    line: Line
    takes: tuple[Taken, ...]
    shortages: tuple[Shortage, ...]

    @property
    def consumed(self) -> Quantity:
        """What is booked and not reversed; what is in suspense is owed."""
        return sum(taken.take.remaining for taken in self.takes if not taken.take.suspense)

    @property
    def returned(self) -> Quantity:
        """What of that came back."""
        return sum(taken.take.returned for taken in self.takes)

    @property
    def open(self) -> Quantity:
        """What is still owed."""
        return sum(row.open for row in self.shortages)

    @property
    def rulings(self) -> tuple[str, ...]:
        """What persons have decided about the line against the store, in words."""
        line = self.line
        more = "more" if line.ruling > 0 else "less"
        said = [f"a person ruled {text(abs(line.ruling))} {more} than the store says"] if line.ruling else []
        return (*said, *(f"a person refused that it is {code.upper()}" for code in line.refused))


@dataclass(frozen=True, slots=True)
class Shown:
    """An order with all that is kept of it; all but the open problems come oldest first.

    ``state`` is what it was read as; ``corrections`` are the audit entries of what persons have changed of its booking.
    """

    state: OrderState
    order: Order
    lines: tuple[ShownLine, ...]
    waits: tuple[Wait, ...]
    events: tuple[Event, ...]
    movements: tuple[Movement, ...]
    allocations: tuple[Allocation, ...]
    corrections: tuple[Audit, ...] = ()
    problems: tuple[Problem, ...] = ()


def show(desk: Desk, written: str) -> Shown:
    """Return the order that ``written`` names: an order id, or ACCOUNT/ORDER; raises NotFound or Refused."""
    with desk.store.read() as view:
        return shown(view, find_key(view, written))


def shown(view: Read, key: OrderKey) -> Shown:
    """Return what is kept of an order; raises NotFound."""
    state = view.orders([key]).get(key)
    if state is None:
        raise NotFound(f"there is no order {key.account}/{key.order_id}")
    mine = {"account": key.account, "order_id": key.order_id}
    allocations = view.find(Allocation, mine, most=FOREVER)[::-1]
    movements = view.find(Movement, mine, most=FOREVER)[::-1]
    ids = frozenset(take.unit_id for take in state.takes)
    units = {unit.id: unit for unit in view.find(Unit, {"id": ids}, most=FOREVER)} if ids else {}
    traces = {row.id: row.trace for row in allocations}
    reasons = {row.id: traces.get(row.allocation_id) for row in movements if row.allocation_id is not None}

    def taken(take: Take) -> Taken:
        unit, trace = units[take.unit_id], reasons.get(take.movement_id)
        why = next((one.why for one in trace.taken if one.unit_id == unit.id), None) if trace else None
        return Taken(take, unit.location, unit.lot, unit.serial, trace.strategy if trace else None, why)

    lines = tuple(
        ShownLine(
            line,
            tuple(taken(take) for take in state.takes if take.line == line.number),
            tuple(row for row in state.shortages if row.line == line.number),
        )
        for line in state.lines
    )
    events = tuple(view.find(Event, mine, most=FOREVER)[::-1])
    return Shown(
        state,
        state.order,
        lines,
        state.waits,
        events,
        tuple(movements),
        tuple(allocations),
        tuple(of_order(view, key)),
        tuple(view.find(Problem, {**mine, "state": ProblemState.OPEN}, most=FOREVER)),
    )


def find_key(view: Read, written: str) -> OrderKey:
    """Return which order a person means by an order id or ACCOUNT/ORDER.

    Raises Refused where two accounts have the id, NotFound with near misses where none has.
    """
    parts = written.strip().split("/")
    for place in range(1, len(parts)):  # either of the two may hold a slash
        account, order_id = "/".join(parts[:place]), "/".join(parts[place:])
        if found := view.find(Order, {"account": account, "order_id": order_id}, most=1):
            return found[0].key
    found = view.find(Order, {"order_id": written.strip()}, most=FOREVER)
    if len(found) > 1:
        names = " and ".join(sorted(f"{order.account}/{order.order_id}" for order in found))
        raise Refused(f"the order id {written.strip()} is that of {names}; name it with its account")
    if not found:
        known = Counter(order.order_id for order in view.find(Order, most=_NEWEST))
        sought = "/".join(parts[1:]) or parts[0]
        meant = did_you_mean(near(sought, known)) or "; `stockhook events list` shows what came in"
        raise NotFound(f"there is no order {written.strip()!r}{meant}")
    return found[0].key
