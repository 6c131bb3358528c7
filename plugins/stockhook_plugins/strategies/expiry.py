"""Strategies that go by the last good day; units without one come last."""

from typing import Final

from stockhook.plugin import Offer
from stockhook_plugins.strategies.rotation import Key, Rotation, day, newest, oldest

_NEVER: Final = 10**7
"""Later than the number of any day."""


class Fefo(Rotation):
    """First expired, first out: what keeps the shortest comes first."""

    type = "fefo"

    def key(self, unit: Offer) -> Key:
        """Go by the last good day, then by the moment of receipt."""
        return unit.expires_on.toordinal() if unit.expires_on else _NEVER, oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say when the unit expires."""
        return _expires(unit)


class Lefo(Rotation):
    """Last expired, first out: what keeps the longest comes first."""

    type = "lefo"

    def key(self, unit: Offer) -> Key:
        """Go by the last good day, backwards, then by the moment of receipt, backwards."""
        return -unit.expires_on.toordinal() if unit.expires_on else _NEVER, newest(unit)

    def explain(self, unit: Offer) -> str:
        """Say when the unit expires."""
        return _expires(unit)


def _expires(unit: Offer) -> str:
    return f"expires {day(unit.expires_on)}" if unit.expires_on else "no expiry date"
