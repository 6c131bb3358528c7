"""The strategies that come with stockhook (strategies.md section 4), one file a family."""

from collections.abc import Sequence

from stockhook.plugin import Strategy, hookimpl
from stockhook_plugins.strategies.cost import HighestCost, LowestCost
from stockhook_plugins.strategies.expiry import Fefo, Lefo
from stockhook_plugins.strategies.place import Location
from stockhook_plugins.strategies.rank import Largest, Priority, Smallest
from stockhook_plugins.strategies.received import Fifo, Lifo


@hookimpl
def stockhook_register_strategies() -> Sequence[type[Strategy]]:
    """Offer the ten rotating strategies."""
    return [Fifo, Lifo, Fefo, Lefo, LowestCost, HighestCost, Location, Priority, Largest, Smallest]
