"""The strategies that come with stockhook (strategies.md section 4), one file a family."""

from collections.abc import Sequence

from stockhook.plugin import Strategy, hookimpl
from stockhook_plugins.strategies.chain import Chain
from stockhook_plugins.strategies.cost import HighestCost, LowestCost
from stockhook_plugins.strategies.expiry import Fefo, Lefo
from stockhook_plugins.strategies.fewest import FewestUnits
from stockhook_plugins.strategies.lot import SingleLot
from stockhook_plugins.strategies.pinned import Pinned
from stockhook_plugins.strategies.place import Location
from stockhook_plugins.strategies.rank import Largest, Priority, Smallest
from stockhook_plugins.strategies.received import Fifo, Lifo
from stockhook_plugins.strategies.single import Exact, SingleUnit
from stockhook_plugins.strategies.whole import WholeUnits


@hookimpl
def stockhook_register_strategies() -> Sequence[type[Strategy]]:
    """Offer the ten strategies that rotate units, those that must cover alone, and those that hold others."""
    rotating: list[type[Strategy]] = [
        Fifo,
        Lifo,
        Fefo,
        Lefo,
        LowestCost,
        HighestCost,
        Location,
        Priority,
        Largest,
        Smallest,
    ]
    return [*rotating, Exact, FewestUnits, SingleUnit, SingleLot, WholeUnits, Pinned, Chain]
