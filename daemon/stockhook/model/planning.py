"""What passes between host and strategy: a need, the units offered, the picks.

Plugins are given these: they cannot be changed, and ``dataclasses.replace`` makes others of them.
"""

from datetime import date, datetime

from stockhook.quantity import Quantity
from stockhook.record import record


@record(frozen=True, slots=True)
class Need:
    """So much of one item for one line. ``ship_date`` is the day the goods left, as the store wrote it.

    ``lots``, ``serials`` and ``places`` are what the line asks to be taken from. The host offers nothing but units of
    the lots and serial numbers; the places (locations) are for a strategy to go by.
    """

    sku: str
    quantity: Quantity
    ship_date: date | None = None
    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Offer:
    """A unit that may be taken from, as the host offers it: all that a strategy may go by.

    ``available`` is what may be taken (millionths); ``opened``: something was taken from it before; ``pick_sequence``
    and ``location`` are those of its place; ``expires_on`` is the last good day.
    """

    id: int
    location: str
    pick_sequence: int | None
    available: Quantity
    received_at: datetime
    opened: bool = False
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    unit_cost: Quantity | None = None
    priority: int | None = None


@record(frozen=True, slots=True)
class Pick:
    """Take so much of this unit; ``why`` says in a few words what made the strategy choose it."""

    unit_id: int
    quantity: Quantity
    why: str
