"""What a strategy plugin must offer: pick units for a need."""

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Protocol

from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

from stockhook.model import Need, Offer, Pick
from stockhook.options import PluginOptions
from stockhook.steps import Attempt, Method, Planner, decide

SHORTAGE: Final = "shortage"
"""What is written for ``otherwise`` to have nothing taken where the strategy itself cannot cover a need."""


class Strategy(Protocol):
    """The rule that picks units for a need. Made once per use in the config, with its options.

    A plan is a pure function of its arguments and the options: no clock, no chance, no I/O. It runs outside every
    transaction and has a budget of two seconds.

    A strategy may also have a method ``steps() -> Sequence[Step]``, where its own plan, location after location, is
    not all that is to be tried; see ``Step``.
    """

    type: ClassVar[str]
    version: ClassVar[str]
    Options: ClassVar[builtins.type[PluginOptions]]

    def __init__(self, options: Any) -> None:
        """Take the validated options."""

    def plan(self, need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
        """Return what to take, in the order of taking; the sum is the need, or less where the units do not suffice.

        ``units`` come in id order and are all eligible. Serial units are taken whole. Behind the takes, up to five
        picks of quantity 0 may name the units that would have come next: they are shown beside the decision.
        """
        ...


@dataclass(frozen=True, slots=True)
class InnerStrategy:
    """A strategy that is an option of another one: what an option of this type holds once it is checked.

    In the configuration it is written as a name, or as a table of ``type`` and its options.
    """

    strategy: Strategy
    options: Mapping[str, object] = field(default_factory=dict)
    _attempts: list[Attempt] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def type(self) -> str:
        """The name of the strategy."""
        return self.strategy.type

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return what the strategy, with all its steps, takes of these units; raises BadPlan if it breaks a rule."""
        if not self._attempts:
            self._attempts[:] = attempts(self)  # at once: another thread may be here as well
        decision = decide(self._attempts, need, (units,))
        taken = {pick.unit_id for pick in decision.picks}
        return decision.picks + [pick for pick in decision.following if pick.unit_id not in taken]

    def written(self) -> str | dict[str, object]:
        """Return it as the configuration writes it."""
        return {"type": self.type, **self.options} if self.options else self.type

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _inner, serialization=core_schema.plain_serializer_function_ser_schema(cls.written)
        )


def _inner(value: Any) -> InnerStrategy:
    if isinstance(value, InnerStrategy):
        return value
    if callable(getattr(value, "plan", None)) and isinstance(getattr(value, "type", None), str):
        return InnerStrategy(value)
    raise ValueError('expected the name of a strategy, or a table like { type = "fefo" }')


Otherwise = Annotated[
    InnerStrategy | None,
    BeforeValidator(lambda value: None if value == SHORTAGE else value),
    PlainSerializer(lambda value: SHORTAGE if value is None else value.written()),
]
"""The type of an option ``otherwise``: a strategy, or None, written ``"shortage"``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One strategy's turn at a need. A strategy with several turns returns them from ``steps()``, first to last.

    Each step gets what the steps before it have left of the need. By itself a step takes what there is, location after
    location. With ``alone`` it must cover what is left of the need from one location (one entry of the rule's
    ``locations``): it is offered each of them, the first wins of which it covers all, and where none does it takes
    nothing.
    """

    strategy: Strategy | InnerStrategy
    alone: bool = False


def steps(strategy: Strategy | InnerStrategy | None) -> list[Step]:
    """Return the steps of a strategy: its own, or one; none for None, so that ``steps(otherwise)`` ends a list."""
    if strategy is None:
        return []
    if isinstance(strategy, InnerStrategy):
        return steps(strategy.strategy)
    own: Callable[[], Sequence[Step]] | None = getattr(strategy, "steps", None)
    return [Step(strategy)] if own is None else list(own())


def attempts(
    strategy: Strategy | InnerStrategy, planner: Callable[[str, Planner], Planner] | None = None
) -> tuple[Attempt, ...]:
    """Return the attempts that the steps of a strategy are; ``planner`` is what each plan is run by (a budget)."""
    found = []
    for step in steps(strategy):
        chosen = step.strategy.strategy if isinstance(step.strategy, InnerStrategy) else step.strategy
        plan = chosen.plan if planner is None else planner(chosen.type, chosen.plan)
        found.append(Attempt(chosen.type, chosen.version, plan, step.alone))
    return tuple(found)


def method(
    strategy: Strategy,
    options: Mapping[str, object] | None = None,
    planner: Callable[[str, Planner], Planner] | None = None,
    *,
    min_shelf_life_days: int = 0,
    last_day_good: bool = True,
) -> Method:
    """Return the method that a strategy is, with its ``options`` as plain values for the trace."""
    return Method(
        strategy.type,
        strategy.version,
        dict(options or {}),
        attempts(strategy, planner),
        min_shelf_life_days,
        last_day_good,
    )
