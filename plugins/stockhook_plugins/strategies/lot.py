"""The strategy that takes all of a need from one lot."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from stockhook.plugin import InnerStrategy, Need, Offer, Pick, PluginOptions
from stockhook_plugins.strategies.alone import Alone, AloneOptions
from stockhook_plugins.strategies.received import oldest_first
from stockhook_plugins.strategies.rotation import natural, short


class SingleLotOptions(AloneOptions):
    """``inner``: the strategy that says which lot goes first, and which units of it."""

    inner: InnerStrategy = Field(default_factory=oldest_first)


class SingleLot(Alone):
    """One lot that covers the need: of those that do, the one from which the inner strategy would take first.

    Units without a lot number are of no lot that could be told from another.
    """

    type = "single-lot"
    Options: ClassVar[builtins.type[PluginOptions]] = SingleLotOptions

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return the inner strategy's plan for one lot, or nothing where no lot covers the need by it."""
        lots: dict[str, list[Offer]] = {}
        for unit in units:
            if unit.lot is not None:
                lots.setdefault(unit.lot.strip().casefold(), []).append(unit)
        enough = {lot: held for lot, held in lots.items() if sum(unit.available for unit in held) >= need.quantity}
        if not enough or need.quantity <= 0:
            return []
        first = self._first(need, units, enough)
        if picks := self._covering(need, enough[first]):
            return picks
        plans = {lot: picks for lot, held in enough.items() if (picks := self._covering(need, held))}
        return plans[self._first(need, units, plans)] if plans else []

    def _first(self, need: Need, units: Sequence[Offer], lots: Mapping[str, object]) -> str:
        """Return the lot from which the inner strategy takes first; where it takes nothing, the first by name."""
        eligible = {unit.id: lot for unit in units if unit.lot and (lot := unit.lot.strip().casefold()) in lots}
        picks = self.options.inner.plan(need, [unit for unit in units if unit.id in eligible])
        return eligible[picks[0].unit_id] if picks else min(lots, key=lambda lot: (natural(lot), lot))

    def _covering(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        picks: list[Pick] = self.options.inner.plan(need, units)
        if sum(pick.quantity for pick in picks) != need.quantity:
            return []
        return [replace(pick, why=short(f"lot {units[0].lot} alone; {pick.why}")) for pick in picks]
