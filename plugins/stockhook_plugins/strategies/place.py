"""The strategy that goes by where a unit lies."""

from stockhook.plugin import Offer
from stockhook_plugins.strategies.rotation import Key, Rotation, natural, oldest


class Location(Rotation):
    """In walking order: the places with the smallest pick sequence first, then by path; those without one last."""

    type = "location"

    def key(self, unit: Offer) -> Key:
        """Go by pick sequence and path, then by the moment of receipt."""
        pick = unit.pick_sequence
        return pick is None, pick or 0, natural(unit.location), oldest(unit)

    def explain(self, unit: Offer) -> str:
        """Say where the unit lies and when that place is picked."""
        if unit.pick_sequence is None:
            return f"at {unit.location}, no pick sequence"
        return f"at {unit.location}, pick sequence {unit.pick_sequence}"
