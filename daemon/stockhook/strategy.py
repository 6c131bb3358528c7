"""What a strategy plugin must offer: pick units for a need."""

import builtins
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from stockhook.model import Need, Offer, Pick
from stockhook.options import PluginOptions


class Strategy(Protocol):
    """The rule that picks units for a need. Made once per use in the config, with its options.

    A plan is a pure function of its arguments and the options: no clock, no chance, no I/O. It runs outside every
    transaction and has a budget of two seconds.
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
