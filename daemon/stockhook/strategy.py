"""What a strategy plugin must offer: pick units for a need."""

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, NamedTuple, Protocol

from stockhook.options import PluginOptions
from stockhook.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Need:
    """So much of one item for one line. ``ship_date`` is the day the goods left, as the store wrote it."""

    sku: str
    quantity: Quantity
    ship_date: date | None = None


@dataclass(frozen=True, slots=True)
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


class Pick(NamedTuple):
    """Take so much of this unit; ``why`` says in a few words what made the strategy choose it."""

    unit_id: int
    quantity: Quantity
    why: str


class Strategy(Protocol):
    """The rule that picks units for a need. Made once per use in the config, with its options.

    A plan is a pure function of its arguments and the options: no clock, no chance, no I/O. It runs outside every
    transaction and has a budget of two seconds.
    """

    type: ClassVar[str]
    version: ClassVar[str]
    Options: ClassVar[builtins.type[PluginOptions]]

    def __init__(self, options: Any) -> None:
        """Take the validated options."""

    def plan(self, need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        """Return what to take, in the order of taking; the sum is the need, or less where the units do not suffice.

        ``units`` come in id order and are all eligible. Serial units are taken whole. Behind the takes, up to five
        picks of quantity 0 may name the units that would have come next: they are shown beside the decision.
        """
        ...
