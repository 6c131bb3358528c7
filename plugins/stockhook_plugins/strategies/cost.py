"""Strategies that go by what a unit cost; units of unknown cost come last."""

from stockhook.plugin import Offer, quantity
from stockhook_plugins.strategies.rotation import Key, Rotation, oldest


class LowestCost(Rotation):
    """The cheapest units first."""

    type = "lowest-cost"

    def key(self, unit: Offer) -> Key:
        """Go by the unit cost, then by the moment of receipt."""
        return unit.unit_cost is None, unit.unit_cost or 0, oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say what the unit cost."""
        return _cost(unit)


class HighestCost(Rotation):
    """The dearest units first."""

    type = "highest-cost"

    def key(self, unit: Offer) -> Key:
        """Go by the unit cost, backwards, then by the moment of receipt."""
        return unit.unit_cost is None, -(unit.unit_cost or 0), oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say what the unit cost."""
        return _cost(unit)


def _cost(unit: Offer) -> str:
    if unit.unit_cost is None:
        return "no cost known"
    whole, _, cents = quantity.text(unit.unit_cost).partition(".")
    return f"cost {whole}.{cents:0<2}"
