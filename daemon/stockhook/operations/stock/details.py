"""What may be written down about goods beside what, how many and where they are."""

from collections.abc import Iterator
from typing import Final, Protocol

from stockhook.errors import Refused
from stockhook.operations import words
from stockhook.quantity import Quantity, text

MOST_PRIORITY: Final = 10**9


class Described(Protocol):
    """A receipt, or a unit."""

    @property
    def lot(self) -> str | None:
        """What its maker calls the goods that were made together."""

    @property
    def serial(self) -> str | None:
        """The number of the one piece."""

    @property
    def reference(self) -> str | None:
        """The delivery note, or the like."""

    @property
    def unit_cost(self) -> Quantity | None:
        """What one costs, in millionths of the book's currency."""

    @property
    def priority(self) -> int | None:
        """For the strategy ``priority``."""


def faults(goods: Described) -> Iterator[str]:
    """Yield what is wrong with what is said about goods."""
    for what, written in (("lot", goods.lot), ("serial number", goods.serial), ("reference", goods.reference)):
        if written is not None and (wrong := words.fault(what, written)) is not None:
            yield wrong
    if goods.unit_cost is not None and goods.unit_cost < 0:
        yield _below_zero(goods.unit_cost)
    if goods.priority is not None and abs(goods.priority) > MOST_PRIORITY:
        yield f"the priority {goods.priority} is too far from 0; give -{MOST_PRIORITY} to {MOST_PRIORITY}"


def checked_cost(cost: Quantity) -> Quantity:
    """Return what one costs; raises Refused where it is below 0."""
    if cost < 0:
        raise Refused(_below_zero(cost))
    return cost


def _below_zero(cost: Quantity) -> str:
    return f"the unit cost {text(cost)} is below 0"
