"""The same history under another strategy: stock in memory that runs along with the ledger (``stockhook what-if``).

A ``World`` is told, in booking order, what was booked. What came in, was counted, adjusted or moved is taken over as
it was; each need is planned again by the world's own choices. Of each line it keeps how its takes differ from those
booked, and nothing where they do not: so a world with the strategy that was used is the book itself, and memory grows
with the differences alone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from stockhook.allocation import Pool, allocate
from stockhook.choice import Choices
from stockhook.model import Item, Location, Need, Stock, Unit, fold
from stockhook.quantity import ONE, Quantity
from stockhook.record import record, replace
from stockhook.rules import ChannelRules, ShortagePolicy

_WHOLE: Final = frozenset({ShortagePolicy.LINE, ShortagePolicy.ORDER})

_DAY: Final = timedelta(days=1)

_RENEWED_AFTER: Final = 500
"""Moves after which an item's pool is laid out anew: units used up would stay in it for ever."""


class LineKey(NamedTuple):
    """Names one item of one line."""

    account: str
    order_id: str
    line: int
    sku: str


_Turn: TypeAlias = tuple[bool, str, LineKey]
"""When a line is settled: those that shipped first first, those of which that is not known last."""


class Taken(NamedTuple):
    """So much of a unit."""

    unit_id: int
    quantity: Quantity


@record(frozen=True, slots=True)
class Asked:
    """What one line wants of one item, but for how much: the rules of its channel, and what a strategy may go by."""

    key: LineKey
    rules: ChannelRules
    center: str | None = None
    ship_date: date | None = None
    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    item: Item | None = None
    first_ship_at: datetime | None = None


@dataclass(slots=True)
class Figures:
    """What a world comes to. Quantities and costs are millionths.

    ``takes`` counts picks of units, ``units`` are those that were picked. ``cost`` is what the goods taken cost as far
    as it is known, ``uncosted`` how much of them has no cost. ``past_date`` is what was taken beyond its last good day
    on the day it shipped, ``least_days`` the fewest days that any goods were still good for then. ``missing`` is what
    lines lack that have it in the book, ``spared`` what they have and lack in the book. ``unapplied`` is how much of
    corrections and counts could not be taken off, because the unit was used up here already.
    """

    takes: int = 0
    units: set[int] = field(default_factory=set)
    taken: Quantity = 0
    cost: Quantity = 0
    uncosted: Quantity = 0
    past_date: Quantity = 0
    least_days: int | None = None
    missing: Quantity = 0
    spared: Quantity = 0
    unapplied: Quantity = 0


class World:
    """Stock under one set of choices, running along with the ledger."""

    def __init__(self, choices: Choices, locations: Iterable[Location] = ()) -> None:
        self.figures = Figures()
        self._choices = choices
        self._locations = {place.path: place for place in locations}
        self._units: dict[int, Unit] = {}
        self._quantities: dict[int, Quantity] = {}
        self._shelf: dict[str, set[int]] = {}
        self._pools: dict[str, tuple[Pool, list[int]]] = {}
        self._differences: dict[LineKey, dict[int, Quantity]] = {}
        self._lacking: dict[str, dict[LineKey, Asked]] = {}
        self._turns: dict[str, list[_Turn]] = {}
        self._supplied: set[str] = set()

    # --- what is taken over as it was booked ---

    def put(self, unit: Unit) -> None:
        """Know a unit from now on, with its quantity; one that is known already keeps the quantity it has here."""
        known = unit.id in self._units
        self._units[unit.id] = unit
        if known:
            self._pools.pop(fold(unit.sku), None)
        else:
            self._quantities[unit.id] = 0
            self._move(unit.id, unit.quantity)

    def book(self, unit_id: int, quantity: Quantity, *, supply: bool = False) -> Quantity:
        """Change a unit as it was booked and return by how much it could be: it may hold less here.

        ``supply``: goods that settle what is owed.
        """
        possible = max(quantity, -self._quantities[unit_id])
        self.figures.unapplied += possible - quantity
        self._move(unit_id, possible)
        if supply and possible > 0:
            self._supplied.add(fold(self._units[unit_id].sku))
        return possible

    def give_back(self, key: LineKey, unit_id: int, quantity: Quantity) -> None:
        """Take back what was booked for a line from a unit: here from the units that it was taken from here."""
        given = 0
        for taken in self._sources(key, unit_id, quantity):
            self._tell(taken, None, sign=-1)
            self._move(*taken)
            self._differ(key, taken.unit_id, -taken.quantity)
            given += taken.quantity
        self._differ(key, unit_id, quantity)
        self._supplied.add(fold(key.sku))
        if self.gap(key) <= 0:
            self._lacking.get(fold(key.sku), {}).pop(key, None)

    def come_back(self, key: LineKey, source: int, target: int, quantity: Quantity) -> None:
        """Put goods back that a line took from ``source`` and that were booked into ``target``.

        Where both are one unit they go back to those that they were taken from here.
        """
        left = quantity
        if source == target:
            for taken in self._sources(key, source, quantity):
                self._move(*taken)
                left -= taken.quantity
        self._move(target, left)
        self._supplied.add(fold(key.sku))

    # --- what is planned again ---

    def need(self, asked: Asked, quantity: Quantity, booked: Sequence[Taken], *, by_person: bool = False) -> bool:
        """Plan a need again that was booked so, and return whether it comes out as it was booked.

        ``by_person``: a person named the units. Raises BadPlan.
        """
        want = quantity + self.gap(asked.key)
        taken: list[Taken] = []
        for chosen in booked if by_person else ():
            part = min(chosen.quantity, self._quantities[chosen.unit_id], want)
            if part > 0:
                self._move(chosen.unit_id, -part)
                taken.append(Taken(chosen.unit_id, part))
                want -= part
        taken += self._plan(asked, want)
        self._note(asked, taken)
        for chosen in booked:
            self._differ(asked.key, chosen.unit_id, -chosen.quantity)
        lacking = self._lacking.setdefault(fold(asked.key.sku), {})
        if self.gap(asked.key) <= 0:
            lacking.pop(asked.key, None)
        elif asked.key not in lacking:
            lacking[asked.key] = asked
            turns, turn = self._turns.setdefault(fold(asked.key.sku), []), _turn(asked)
            place = bisect_left(turns, turn)
            if turns[place : place + 1] != [turn]:
                turns.insert(place, turn)
        return asked.key not in self._differences and sorted(taken) == sorted(booked)

    def settle(self) -> None:
        """Give what has come in since the last call to lines that lack it here alone, those that shipped first first.

        What lacks goods in the book as well is settled when it was settled there. Raises BadPlan.
        """
        for sku in sorted(self._supplied):
            self._settle(sku, self._lacking.get(sku, {}), self._turns.get(sku, []))
        self._supplied.clear()

    def _settle(self, sku: str, lacking: dict[LineKey, Asked], turns: list[_Turn]) -> None:
        """Go through the lines that lack an item while there is any of it; what got nothing gets nothing again."""
        seen = 0
        in_vain: set[tuple[Any, ...]] = set()
        for *_, key in turns:
            if not self._shelf.get(sku):
                break
            seen += 1
            asked = lacking.get(key)
            if asked is None:
                continue
            need = (asked.rules.name, asked.center, asked.ship_date, asked.lots, asked.serials, asked.places)
            alike = (*need, asked.item, self.gap(key))
            if alike in in_vain:
                continue
            taken = self._plan(asked, self.gap(key))
            if taken:
                in_vain.clear()
                self._note(asked, taken)
            else:
                in_vain.add(alike)
            if self.gap(key) <= 0:
                del lacking[key]
        turns[:seen] = [turn for turn in turns[:seen] if turn[-1] in lacking]

    # --- the end ---

    def finish(self) -> Figures:
        """Settle what is left, and return the figures."""
        self.settle()
        gaps = [-sum(units.values()) for units in self._differences.values()]
        self.figures.missing = sum(gap for gap in gaps if gap > 0)
        self.figures.spared = -sum(gap for gap in gaps if gap < 0)
        return self.figures

    def gap(self, key: LineKey) -> Quantity:
        """Return how much less a line has here than in the book; below 0 where it has more."""
        return -sum(self._differences.get(key, {}).values())

    def remains(self) -> Iterator[Unit]:
        """Yield the units that have something left, with how much, in no order."""
        for shelf in self._shelf.values():
            for unit_id in shelf:
                yield replace(self._units[unit_id], quantity=self._quantities[unit_id])

    # --- how it is kept ---

    def _plan(self, asked: Asked, want: Quantity) -> list[Taken]:
        if want <= 0:
            return []
        sku = asked.key.sku
        choice = self._choices.choose(asked.rules, sku, asked.center)
        need = Need(sku, want, asked.ship_date, asked.lots, asked.serials, asked.places)
        pool, moves = self._pool(sku)
        mark = pool.mark()
        plan = allocate(need, choice.limits(asked.item), pool, choice.method)
        if plan.taken < want and asked.rules.on_shortage in _WHOLE:
            pool.rollback(mark)
            return []
        moves[0] += 1
        for pick in plan.picks:
            self._count(pick.unit_id, -pick.quantity)
        return [Taken(pick.unit_id, pick.quantity) for pick in plan.picks]

    def last_good_day(self, unit: Unit, asked: Asked | None = None) -> date | None:
        """Return the last day on which a unit is good: by the strategy for a line, or the usual one."""
        choice = self._choices.choose(asked.rules, asked.key.sku, asked.center) if asked else self._choices
        good = choice.method.last_day_good
        return unit.expires_on if good or unit.expires_on is None else unit.expires_on - _DAY

    def _note(self, asked: Asked, taken: Iterable[Taken]) -> None:
        for each in taken:
            self._tell(each, asked)
            self._differ(asked.key, each.unit_id, each.quantity)

    def _tell(self, taken: Taken, asked: Asked | None, sign: int = 1) -> None:
        figures, unit, quantity = self.figures, self._units[taken.unit_id], sign * taken.quantity
        figures.taken += quantity
        if unit.unit_cost is None:
            figures.uncosted += quantity
        else:
            figures.cost += quantity * unit.unit_cost // ONE
        if sign < 0:
            return
        figures.takes += 1
        figures.units.add(unit.id)
        last_good = self.last_good_day(unit, asked)
        if last_good is not None and asked is not None and asked.ship_date is not None:
            days = (last_good - asked.ship_date).days
            figures.past_date += taken.quantity if days < 0 else 0
            figures.least_days = days if figures.least_days is None else min(days, figures.least_days)

    def _sources(self, key: LineKey, unit_id: int, quantity: Quantity) -> list[Taken]:
        """Return where a line took here what it took of a unit in the book; less where it lacks goods here."""
        differences = self._differences.get(key, {})
        here = max(quantity + min(differences.get(unit_id, 0), 0), 0)
        found = [Taken(unit_id, here)] if here else []
        left = quantity - here
        for other, more in reversed(differences.items()):
            part = min(left, more)
            if part > 0 and other != unit_id:
                found.append(Taken(other, part))
                left -= part
        return found

    def _differ(self, key: LineKey, unit_id: int, quantity: Quantity) -> None:
        differences = self._differences.setdefault(key, {})
        differences[unit_id] = differences.get(unit_id, 0) + quantity
        if not differences[unit_id]:
            del differences[unit_id]
        if not differences:
            del self._differences[key]

    def _move(self, unit_id: int, quantity: Quantity) -> None:
        if not quantity:
            return
        self._count(unit_id, quantity)
        sku = fold(self._units[unit_id].sku)
        if sku in self._pools:
            pool, moves = self._pools[sku]
            if pool.unit(unit_id) is None:
                pool.add(replace(self._units[unit_id], quantity=self._quantities[unit_id]))
            else:
                pool.move(unit_id, quantity)
            moves[0] += 1

    def _count(self, unit_id: int, quantity: Quantity) -> None:
        self._quantities[unit_id] += quantity
        shelf = self._shelf.setdefault(fold(self._units[unit_id].sku), set())
        if self._quantities[unit_id]:
            shelf.add(unit_id)
        else:
            shelf.discard(unit_id)

    def _pool(self, sku: str) -> tuple[Pool, list[int]]:
        folded = fold(sku)
        found = self._pools.get(folded)
        if found is None or found[1][0] > _RENEWED_AFTER:
            ids = sorted(self._shelf.get(folded, ()))
            units = tuple(replace(self._units[n], quantity=self._quantities[n]) for n in ids)
            found = self._pools[folded] = (Pool(Stock(units, self._locations)), [0])
        return found


def _turn(asked: Asked) -> _Turn:
    first = asked.first_ship_at
    return first is None, first.isoformat() if first else "", asked.key
