"""The strategy that tries others, one after the other."""

import builtins
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator

from stockhook.plugin import InnerStrategy, Need, Offer, Pick, PluginOptions, Step, steps


class ChainOptions(PluginOptions):
    """``strategies``: what is tried, first to last."""

    strategies: tuple[InnerStrategy, ...] = Field(min_length=1)

    @field_validator("strategies")
    @classmethod
    def _reached(cls, strategies: tuple[InnerStrategy, ...]) -> tuple[InnerStrategy, ...]:
        for inner in strategies[:-1]:
            options = getattr(inner.strategy, "options", None)
            if isinstance(options, PluginOptions) and "otherwise" in options.model_fields_set:
                raise ValueError(
                    f"the otherwise of {inner.type} is never reached, since only the last of a chain may take a part;"
                    " leave it out, and name that strategy behind it"
                )
        return strategies


class Chain:
    """The first of several strategies that covers a need from one location; else what the last one takes of it."""

    type: ClassVar[str] = "chain"
    version: ClassVar[str] = "1"
    Options: ClassVar[builtins.type[PluginOptions]] = ChainOptions

    def __init__(self, options: Any) -> None:
        self.options = options

    def steps(self) -> list[Step]:
        """Return each strategy, which must cover alone, and the last one once more, with all its steps."""
        chained: Sequence[InnerStrategy] = self.options.strategies
        return [*(Step(inner, alone=True) for inner in chained), *steps(chained[-1])]

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return what all the steps together take of these units."""
        return InnerStrategy(self).plan(need, units)
