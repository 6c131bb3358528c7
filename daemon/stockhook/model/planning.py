"""What passes between host and strategy: a need, the units offered, the picks.

Plugins are given these, so they cannot be changed; and as tuples they are made in a quarter of the time that a frozen
dataclass takes: an offer is made anew with each unit that is taken from.
"""

from datetime import date, datetime
from typing import NamedTuple

from stockhook.quantity import Quantity


class Need(NamedTuple):
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


class Offer(NamedTuple):
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


class Pick(NamedTuple):
    """Take so much of this unit; ``why`` says in a few words what made the strategy choose it."""

    unit_id: int
    quantity: Quantity
    why: str
