"""What is booked: movements, allocations with their traces, shortages, and one evaluation's whole result."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from stockhook.model.key import OrderKey
from stockhook.model.known import Line, Order, Wait
from stockhook.model.received import Event
from stockhook.model.stock import Unit
from stockhook.quantity import Quantity
from stockhook.record import record


class MovementKind(StrEnum):
    """Why a unit's quantity changed."""

    RECEIPT = "receipt"
    CONSUMPTION = "consumption"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"
    RETURN = "return"
    COUNT = "count"
    TRANSFER_OUT = "transfer-out"
    TRANSFER_IN = "transfer-in"


@record(frozen=True, slots=True)
class Movement:
    """One signed, immutable ledger entry of one unit.

    ``at`` is the moment of booking. ``line`` is the line's ``number``, ``sku`` the unit's item, ``balance_after`` the
    unit's quantity behind this entry (the store fills it in). A reversal names the movement it ``reverses``; so does a
    return, which may go to another unit, a transfer in, which names the transfer out it is the other half of, and a
    count of goods ``already counted``, which names the consumption (or its reversal) that it makes up for.
    """

    id: int
    unit_id: int
    sku: str
    kind: MovementKind
    quantity: Quantity
    at: datetime
    actor: str
    balance_after: Quantity = 0
    account: str | None = None
    order_id: str | None = None
    line: int | None = None
    event_id: int | None = None
    allocation_id: int | None = None
    reverses: int | None = None
    reason: str | None = None
    reference: str | None = None


@record(frozen=True, slots=True)
class Take:
    """A consumption movement seen from its order.

    ``remaining`` is what of it has not been reversed, ``returned`` what of that came back, ``counted`` for how much of
    it a movement of the kind count makes up: the goods had left before a count of the unit, which stands. One of a
    ``suspense`` unit is no goods but what is owed.
    """

    movement_id: int
    unit_id: int
    line: int
    sku: str
    quantity: Quantity
    remaining: Quantity
    returned: Quantity = 0
    counted: Quantity = 0
    suspense: bool = False

    @property
    def returnable(self) -> Quantity:
        """What is still out: neither reversed nor come back."""
        return 0 if self.suspense else self.remaining - self.returned

    @property
    def suspended(self) -> Quantity:
        """What is still below zero for it on a suspense unit: neither reversed nor ended by a count."""
        return self.remaining - self.counted if self.suspense else 0


@record(frozen=True, slots=True)
class Trace:
    """Why a plan came out as it did: enough to explain each unit without the units of that day.

    ``strategy`` and ``version`` are those that decided, ``options`` those of the configured strategy; ``configured``
    names it where it left the decision to another one.
    ``taken`` and ``passed_over`` (the next five) are (unit id, location, lot, available, taken, reason in words).
    ``left_out`` counts the units of the item that each filter removed.
    """

    rule: str
    strategy: str
    version: str
    options: Mapping[str, object]
    offered: int
    left_out: Mapping[str, int]
    taken: tuple["TraceUnit", ...]
    passed_over: tuple["TraceUnit", ...]
    configured: str | None = None


class TraceUnit(NamedTuple):
    """One unit in a trace; ``why`` is the strategy's sort key for it, in words.

    A tuple is kept as a list: an allocation has six of them, for ever, and names would be half of what they take.
    """

    unit_id: int
    location: str
    lot: str | None
    available: Quantity
    taken: Quantity
    why: str


@record(frozen=True, slots=True)
class Allocation:
    """The decision for one item of one line: what was needed, what was taken, and why."""

    id: int
    account: str
    order_id: str
    line: int
    sku: str
    at: datetime
    event_id: int | None
    need: Quantity
    taken: Quantity
    trace: Trace


@record(frozen=True, slots=True)
class Shortage:
    """The part of a line that no unit could cover. ``quantity`` = open + settled + withdrawn + waived + counted.

    ``counted`` is what a count of the shelf has ended: what lies there is known, whatever was owed.
    """

    id: int
    account: str
    order_id: str
    line: int
    sku: str
    quantity: Quantity
    open: Quantity
    opened_at: datetime
    settled: Quantity = 0
    withdrawn: Quantity = 0
    waived: Quantity = 0
    counted: Quantity = 0
    reason: str | None = None
    actor: str | None = None


@record(frozen=True, slots=True)
class OrderState:
    """All that is kept about one order: its facts and what is booked for it."""

    order: Order
    lines: tuple[Line, ...]
    takes: tuple[Take, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    waits: tuple[Wait, ...] = ()


@record(frozen=True, slots=True)
class Booking:
    """What one evaluation, or one action, writes; all of it in one commit or none.

    ``units`` are new ones, and old ones of which anything but the quantity is to change.

    ``items`` holds the version of each item whose units were read, ``order.version`` the order's as it was read (0: it
    did not exist). ``lines`` are the changed ones, ``waits`` the full new set (None: unchanged), ``shortages`` new or
    changed rows. Ids from ``NEW`` on are placeholders, valid within one call of ``Work.book``, in ``events``,
    ``units``, ``allocations``, ``movements`` and ``shortages`` and wherever they are referred to.
    """

    order: Order | None = None
    lines: tuple[Line, ...] = ()
    waits: tuple[Wait, ...] | None = None
    events: tuple[Event, ...] = ()
    units: tuple[Unit, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    movements: tuple[Movement, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    items: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> OrderKey | None:
        """The order's name; None for a booking that concerns no order."""
        return self.order.key if self.order else None
