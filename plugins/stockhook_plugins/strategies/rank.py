"""Strategies that go by a unit's own priority, or by how much of it there is."""

from stockhook.plugin import Offer, quantity
from stockhook_plugins.strategies.rotation import Key, Rotation, oldest


class Priority(Rotation):
    """The units that a person ranked first: 1 before 2; those without a priority last."""

    type = "priority"

    def key(self, unit: Offer) -> Key:
        """Go by the unit's priority, then by the moment of receipt."""
        return unit.priority is None, unit.priority or 0, oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say which priority the unit has."""
        return "no priority" if unit.priority is None else f"priority {unit.priority}"


class Largest(Rotation):
    """The largest units first, so that few are opened."""

    type = "largest"

    def key(self, unit: Offer) -> Key:
        """Go by what is available, backwards, then by the moment of receipt."""
        return -unit.available, oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say how much there is of the unit."""
        return _available(unit)


class Smallest(Rotation):
    """The smallest units first, so that remainders are used up."""

    type = "smallest"

    def key(self, unit: Offer) -> Key:
        """Go by what is available, then by the moment of receipt."""
        return unit.available, oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say how much there is of the unit."""
        return _available(unit)


def _available(unit: Offer) -> str:
    return f"{quantity.text(unit.available)} available"
