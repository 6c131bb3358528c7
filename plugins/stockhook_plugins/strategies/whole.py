"""The strategy that never splits a unit."""

import builtins
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from stockhook.plugin import InnerStrategy, Need, Offer, Pick, PluginOptions
from stockhook_plugins.strategies.received import oldest_first


class WholeUnitsOptions(PluginOptions):
    """``inner``: the strategy that says which units go first."""

    inner: InnerStrategy = Field(default_factory=oldest_first)


class WholeUnits:
    """Units as the inner strategy takes them, but none in part; what no whole unit fits into is short."""

    type: ClassVar[str] = "whole-units"
    version: ClassVar[str] = "1"
    Options: ClassVar[builtins.type[PluginOptions]] = WholeUnitsOptions

    def __init__(self, options: Any) -> None:
        self.options = options

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return the inner strategy's plan; to it every unit is a piece with a number of its own, never cut."""
        pieces = [unit if unit.serial is not None else replace(unit, serial=f"unit {unit.id}") for unit in units]
        picks: list[Pick] = self.options.inner.plan(need, pieces)
        return picks
