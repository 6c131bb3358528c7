"""What the strategies share that cover a need alone or not at all: what runs where they cannot."""

import builtins
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from stockhook.plugin import Need, Offer, Otherwise, Pick, PluginOptions, Step, steps
from stockhook_plugins.strategies.received import oldest_first


class AloneOptions(PluginOptions):
    """``otherwise``: the strategy that runs where no location covers the need, or "shortage"."""

    otherwise: Otherwise = Field(default_factory=oldest_first)


class Alone(ABC):
    """Covers a need from one location as its ``plan`` says; where it cannot, ``otherwise`` runs (strategies.md 3)."""

    type: ClassVar[str]
    version: ClassVar[str] = "1"
    Options: ClassVar[builtins.type[PluginOptions]] = AloneOptions

    def __init__(self, options: Any) -> None:
        self.options = options

    def steps(self) -> list[Step]:
        """Return this strategy, which must cover alone, and what runs otherwise."""
        return [Step(self, alone=True), *steps(self.options.otherwise)]

    @abstractmethod
    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return what covers all of the need, or nothing."""
