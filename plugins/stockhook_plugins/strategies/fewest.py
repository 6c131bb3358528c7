"""The strategy that opens as few units as can be."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from heapq import nlargest
from itertools import accumulate
from operator import attrgetter
from typing import Final

from stockhook.plugin import Need, Offer, Pick
from stockhook_plugins.strategies.alone import Alone
from stockhook_plugins.strategies.rotation import PASSED, in_order, oldest, received

_available: Final[Callable[[Offer], int]] = attrgetter("available")
_serial: Final[Callable[[Offer], str | None]] = attrgetter("serial")
_FEW: Final = 64
"""So many of the largest units are found without sorting all of them; mostly they cover."""


class FewestUnits(Alone):
    """Of the smallest sets of units that cover the need, the one with the oldest units: exactly, in O(n log n).

    Units with a serial number are pieces of one size and taken whole. Should their sizes differ, as they cannot in the
    book, those of the oldest one's size are considered.
    """

    type = "fewest-units"

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        """Return a pick for each unit of the set in fifo order, the last one that can be cut in part; or nothing."""
        ordered, most_pieces = in_order(units, oldest), 0
        if any(map(_serial, ordered)):
            ordered, most_pieces = _usable(need.quantity, ordered)
        return _picks(need.quantity, ordered, _walk(need.quantity, ordered, most_pieces))


def _usable(need: int, units: Sequence[Offer]) -> tuple[list[Offer], int]:
    """Return the units of which some may be taken, and how many pieces fit into the need whole."""
    size = next((unit.available for unit in units if unit.serial and 0 < unit.available <= need), 0)
    return [unit for unit in units if not unit.serial or unit.available == size], need // size if size else 0


def _walk(need: int, units: Sequence[Offer], most_pieces: int) -> list[int]:
    """Return the places of the units to take, of those in fifo order; none where all of them do not cover the need.

    A unit is kept when the units kept, it, and the largest of the rest cover within as few units as the largest need.
    One of the largest always is. For another one the smallest of the largest must be spared, and ``slack``, what is
    held beyond the need, makes up for the difference. More pieces than fit into the need whole are never needed: that
    many cover it with less.
    """
    sizes = list(map(_available, units))
    pieces = list(map(_serial, units)) if most_pieces else None
    spare = _largest(need, sizes, pieces, most_pieces)
    wanted = set(spare)
    spare_pieces = sorted(place for place in spare if pieces[place]) if pieces else []
    slack = sum(sizes[place] for place in spare) - need
    least = 0  # what is smaller is not kept; it lags behind, which costs a look and no more
    kept: list[int] = []
    for place, size in enumerate(sizes if spare else ()):
        if size < least:
            continue
        if place not in wanted:
            while spare[-1] < place or spare[-1] not in wanted:
                spare.pop()
            spared = spare[-1]
            least = sizes[spared] - slack
            if pieces and pieces[place]:
                other = _piece(spare_pieces, wanted, place)
                if other is None and not most_pieces:
                    continue
                spared = spared if other is None else other
            if sizes[spared] - size > slack:
                continue
            slack -= sizes[spared] - size
            wanted.remove(spared)
            wanted.add(place)
        if pieces and pieces[place]:
            most_pieces -= 1
        kept.append(place)
        if len(kept) == len(wanted):
            break
    return kept


def _piece(spare: list[int], wanted: set[int], place: int) -> int | None:
    """Return a piece behind ``place`` that is among the largest, and can be spared for another one."""
    while spare and spare[-1] not in wanted:
        spare.pop()
    return spare[-1] if spare and spare[-1] > place else None


def _largest(need: int, sizes: Sequence[int], pieces: Sequence[str | None] | None, most_pieces: int) -> list[int]:
    """Return the places of the largest units that cover the need, the largest first; none where they do not."""
    if pieces is not None:
        return _largest_mixed(need, sizes, pieces, most_pieces)
    top = nlargest(_FEW, sizes)
    if sum(top) < need:
        top = sorted(sizes, reverse=True)
    count = bisect_left(list(accumulate(top)), need) + 1
    if count > len(top) or need <= 0:
        return []
    least = top[count - 1]
    places = [place for place, size in enumerate(sizes) if size >= least]
    return sorted(places, key=sizes.__getitem__, reverse=True)[:count]


def _largest_mixed(need: int, sizes: Sequence[int], pieces: Sequence[str | None], most_pieces: int) -> list[int]:
    """Return the same where some units are pieces, of which no more than ``most_pieces`` are taken."""
    found: list[int] = []
    left = need
    for place in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        if left <= 0:
            break
        if pieces[place]:
            if not most_pieces:
                continue
            most_pieces -= 1
        found.append(place)
        left -= sizes[place]
    return found if left <= 0 else []


def _picks(need: int, ordered: Sequence[Offer], kept: Sequence[int]) -> list[Pick]:
    if not kept:
        return []
    over = sum(ordered[place].available for place in kept) - need
    cut = next((place for place in reversed(kept) if ordered[place].serial is None), None)
    number = len(kept)
    picks = []
    for place in kept:
        unit = ordered[place]
        picks.append(Pick(unit.id, unit.available - (over if place == cut else 0), received(unit)))
    left = set(kept)
    passed = [unit for place, unit in enumerate(ordered[: number + PASSED]) if place not in left][:PASSED]
    return picks + [Pick(unit.id, 0, f"{received(unit)}; not one of the fewest") for unit in passed]
