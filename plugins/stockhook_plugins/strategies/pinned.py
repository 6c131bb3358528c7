"""The strategy that goes by what a line itself asks to be taken from."""

import builtins
from collections.abc import Sequence
from typing import Any, ClassVar

from stockhook.plugin import Need, Offer, Pick, PluginOptions, Step, steps
from stockhook_plugins.strategies.alone import AloneOptions
from stockhook_plugins.strategies.rotation import Key, Rotation, oldest, short


class Pinned:
    """What the line names first: its places in the order named, its lots and serial numbers; the oldest first.

    The host offers nothing but the lots and serial numbers that a line names, whatever the strategy. A place is for
    this one to go by: what is not there, and lines that name nothing, are left to ``otherwise``.
    """

    type: ClassVar[str] = "pinned"
    version: ClassVar[str] = "1"
    Options: ClassVar[builtins.type[PluginOptions]] = AloneOptions

    def __init__(self, options: Any) -> None:
        self.options = options

    def steps(self) -> list[Step]:
        """Return this strategy, and what takes the rest."""
        return [Step(self), *steps(self.options.otherwise)]

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return what to take of the units that the line names."""
        named = _Named(need)
        return named.plan(need, [unit for unit in units if named.names(unit)])


class _Named(Rotation):
    """The units that one need names, in order."""

    type = "pinned"

    def __init__(self, need: Need) -> None:
        self._lots = {_folded(lot) for lot in need.lots}
        self._serials = {_folded(serial) for serial in need.serials}
        self._places = [_folded(place).rstrip("/") for place in need.places]

    def names(self, unit: Offer) -> bool:
        """Tell whether the need names this unit: something, and nothing else."""
        return (
            bool(self._lots or self._serials or self._places)
            and (not self._lots or _folded(unit.lot or "") in self._lots)
            and (not self._serials or _folded(unit.serial or "") in self._serials)
            and (not self._places or self._place(unit) is not None)
        )

    def key(self, unit: Offer) -> Key:
        """Go by the place named first, then by the moment of receipt."""
        return self._place(unit) or 0, oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say what of the unit the line names."""
        named = [f"serial number {unit.serial}"] if self._serials else []
        named += [f"lot {unit.lot}"] if self._lots else []
        named += [f"at {unit.location}"] if self._places else []
        return short(f"named by the line: {', '.join(named)}")

    def _place(self, unit: Offer) -> int | None:
        """Return which of the places the unit lies at, or below."""
        path = _folded(unit.location)
        for number, place in enumerate(self._places):
            if path == place or path.startswith(f"{place}/"):
                return number
        return None


def _folded(text: str) -> str:
    return text.strip().casefold()
