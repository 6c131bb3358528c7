"""What the rotating strategies share: a sort key, the tail that makes every order total, and the greedy cut."""

import builtins
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter, lt
from typing import Any, ClassVar, Final, TypeAlias

from stockhook.plugin import Need, Offer, Pick, PluginOptions

Key: TypeAlias = Any
"""What units are compared by: a value, or a tuple of values, that has an order."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PASSED: Final = 5
"""So many units that were not taken are named: what ``Strategy.plan`` allows."""
_LONGEST: Final = 100
_DIGITS: Final = re.compile("([0-9]+)")


class Rotation(ABC):
    """Takes units in the order of ``key``, then of the tail, each as far as the need goes (strategies.md section 3).

    A strategy names its ``type``, its ``key`` and, in ``explain``, what that key means for a unit.
    """

    type: ClassVar[str]
    version: ClassVar[str] = "1"
    Options: ClassVar[builtins.type[PluginOptions]] = PluginOptions

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def key(self, unit: Offer) -> Key:
        """Return what this strategy sorts by; equal keys leave it to the tail."""

    @abstractmethod
    def explain(self, unit: Offer) -> str:
        """Return in a few words what ``key`` goes by for this unit."""

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return what to take, first to last, and behind it, with quantity 0, up to five units that come next.

        A unit with a serial number is taken whole or passed over.
        """
        key, explain = self.key, self.explain
        picks: list[Pick] = []
        passed: list[Pick] = []
        left = need.quantity
        for unit in in_order(units, key):
            if left > 0 and (unit.serial is None or unit.available <= left):
                quantity = min(unit.available, left)
                if quantity > 0:
                    picks.append(Pick(unit.id, quantity, explain(unit)))
                    left -= quantity
            elif len(passed) < PASSED:
                passed.append(Pick(unit.id, 0, f"{explain(unit)}; not split" if left > 0 else explain(unit)))
            elif left <= 0:
                break
        return picks + passed


def in_order(units: Sequence[Offer], key: Callable[[Offer], Key]) -> Sequence[Offer]:
    """Return the units sorted by ``key``, and by the tail where keys are equal: it is worked out only then."""
    keys = [key(unit) for unit in units]
    if all(map(lt, keys, keys[1:])):
        return units  # lots mostly come in the order in which they were booked
    keyed = sorted(zip(keys, units, strict=True), key=itemgetter(0))
    if any(one == next_one for (one, _), (next_one, _) in pairwise(keyed)):
        keyed.sort(key=lambda pair: (pair[0], _tail(pair[1])))
    return [unit for _, unit in keyed]


def oldest(unit: Offer) -> datetime:
    """Return the key "received first".

    Units received at one moment are one receipt to a strategy: the tail decides among them, and ends with the unit id,
    which is the order in which they were booked. So an opening stock that knows days only is opened lot by lot and in
    walking order, and not in the order of lines in a file.
    """
    return unit.received_at


def newest(unit: Offer) -> float:
    """Return the key "received last"."""
    return -unit.received_at.timestamp()


@lru_cache(maxsize=16_384)
def day(moment: date | datetime) -> str:
    """Return a day as a person writes it, whatever the locale: ``3 Mar 2026``."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short(words: str) -> str:
    """Return the words for a pick, cut to about a line of the status page: lots and places may have long names."""
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."


def received(unit: Offer) -> str:
    """Return in words when a unit was received (UTC)."""
    return f"received {day(unit.received_at)}"


@lru_cache(maxsize=16_384)
def natural(text: str) -> tuple[str | tuple[int, str], ...]:
    """Return the key by which "Rack 2" comes before "Rack 10", and a place before what lies in it.

    Without regard to case. A run of digits compares by its value, without turning it into a number that may be huge.
    """
    pieces: list[str | tuple[int, str]] = list(_DIGITS.split(text.casefold().replace("/", "\0")))
    for index in range(1, len(pieces), 2):
        digits = str(pieces[index]).lstrip("0")
        pieces[index] = (len(digits), digits)
    return tuple(pieces)


def _tail(unit: Offer) -> Key:
    pick = unit.pick_sequence
    lot = unit.lot
    return (
        not unit.opened,
        pick is None,
        pick or 0,
        natural(unit.location),
        unit.available,
        lot is None,
        natural(lot or ""),
        unit.id,
    )
