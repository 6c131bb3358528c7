"""Strategies that take all of a need from one unit."""

from abc import abstractmethod
from collections.abc import Sequence

from stockhook.plugin import Need, Offer, Pick, quantity
from stockhook_plugins.strategies.alone import Alone
from stockhook_plugins.strategies.rotation import PASSED, Key, in_order, oldest, received


class _One(Alone):
    """Takes from the first in the order of ``key`` of the units that ``fits``."""

    @abstractmethod
    def fits(self, need: Need, unit: Offer) -> bool:
        """Tell whether the need may be taken from this unit alone."""

    @abstractmethod
    def key(self, unit: Offer) -> Key:
        """Return what fitting units are sorted by; equal keys leave it to the tail."""

    @abstractmethod
    def explain(self, need: Need, unit: Offer) -> str:
        """Return in a few words why this unit."""

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return one pick, and behind it up to five more units that would have done; or nothing."""
        fitting = in_order([unit for unit in units if self.fits(need, unit)], self.key)[: 1 + PASSED]
        return [
            Pick(unit.id, 0 if place else need.quantity, self.explain(need, unit)) for place, unit in enumerate(fitting)
        ]


class Exact(_One):
    """A unit that holds just what is needed, the oldest of them, so that it is used up whole."""

    type = "exact"

    def fits(self, need: Need, unit: Offer) -> bool:
        """Ask for a unit that equals the need."""
        return unit.available == need.quantity > 0

    def key(self, unit: Offer) -> Key:
        """Go by the moment of receipt."""
        return oldest(unit)

    def explain(self, need: Need, unit: Offer) -> str:
        """Say how much was looked for."""
        return f"exactly {quantity.text(need.quantity)}, {received(unit)}"


class SingleUnit(_One):
    """The smallest unit that covers the need alone, so that large units stay whole."""

    type = "single-unit"

    def fits(self, need: Need, unit: Offer) -> bool:
        """Ask for a unit that has enough; one with a serial number is not cut."""
        if unit.serial is not None:
            return unit.available == need.quantity > 0
        return unit.available >= need.quantity > 0

    def key(self, unit: Offer) -> Key:
        """Go by what is available, then by the moment of receipt."""
        return unit.available, oldest(unit)

    def explain(self, need: Need, unit: Offer) -> str:
        """Say how much there is of the unit."""
        return f"{quantity.text(unit.available)} available, covers {quantity.text(need.quantity)} alone"
