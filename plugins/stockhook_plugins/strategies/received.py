"""Strategies that go by when a unit was received."""

from stockhook.plugin import InnerStrategy, Offer, PluginOptions
from stockhook_plugins.strategies.rotation import Key, Rotation, newest, oldest, received


class Fifo(Rotation):
    """First in, first out: the oldest units first."""

    type = "fifo"

    def key(self, unit: Offer) -> Key:
        """Go by the moment of receipt."""
        return oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say when the unit was received."""
        return received(unit)


class Lifo(Rotation):
    """Last in, first out: the newest units first."""

    type = "lifo"

    def key(self, unit: Offer) -> Key:
        """Go by the moment of receipt, backwards."""
        return newest(unit)

    def explain(self, unit: Offer) -> str:
        """Say when the unit was received."""
        return received(unit)


def oldest_first() -> InnerStrategy:
    """Return fifo, which strategies hold that need another one and were given none."""
    return InnerStrategy(Fifo(PluginOptions()))
