"""From a need to a checked plan: what may be taken, in which tiers, by which strategy, and why (strategies.md 3)."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime
from operator import attrgetter
from typing import Final

from stockhook.model import Count, Location, Need, Offer, Pick, Stock, Trace, TraceUnit, Unit, fold
from stockhook.quantity import Quantity
from stockhook.record import record, replace
from stockhook.steps import Decision, Method, decide

Emptied = Callable[[int], tuple[Unit, Location | None] | None]

MOST_PASSED_OVER: Final = 5
_EXPIRED: Final = "expired on the ship date"

_by_id = attrgetter("id")


@record(frozen=True, slots=True)
class Limits:
    """What the configuration leaves of an item's units: locations (subtrees, first to last; empty: all) and shelf life.

    ``rule`` names in words where the locations come from. A unit must be good for ``min_shelf_life_days`` behind the
    day the line ships; ``last_day_good``: the last of them may be the day on which it expires.
    """

    rule: str
    locations: tuple[str, ...] = ()
    min_shelf_life_days: int = 0
    last_day_good: bool = True

    def first_good(self, shipped: date) -> int:
        """Return the earliest date of expiry (``toordinal``) with which a unit may leave on that day."""
        return shipped.toordinal() + self.min_shelf_life_days + (not self.last_day_good)

    def allow(self, path: str, expires_on: date | None, shipped: date) -> bool:
        """Tell whether goods that lie at a path may leave on that day; whether it is picked from is not asked."""
        good = expires_on is None or expires_on.toordinal() >= self.first_good(shipped)
        return good and _tier(path, self.locations) is not None


@record(frozen=True, slots=True)
class Plan:
    """What a strategy decided for one need, checked: what to take from which unit, and why.

    ``asked`` names the strategies that planned and kept the rules.
    """

    picks: tuple[Pick, ...]
    taken: Quantity
    trace: Trace
    asked: frozenset[str] = frozenset()


@record(frozen=False, slots=True)
class _Shelf:
    """An item's units under one choice of locations: per tier what may be offered, by id, and how many are left out.

    Offers stay here when nothing is left of them, so that taking back puts them where they were.
    """

    tiers: list[dict[int, Offer]]
    left_out: Counter[str]
    dated: bool = False


@record(frozen=True, slots=True)
class _Moved:
    """A unit's quantity was changed by a signed amount."""

    unit_id: int
    quantity: Quantity


@record(frozen=True, slots=True)
class _Added:
    """A unit was put on the shelf; ``before`` is the one of its id that was there, with its running quantity."""

    unit: Unit
    before: Unit | None


class Pool:
    """The units an evaluation may take from, running: what one order takes, the next is not offered.

    Units moved or added after ``mark()`` are as they were after ``rollback(mark)``. What is offered of an item is
    worked out once and then kept up with each move, since the orders of a batch ask for the same items. ``emptied``
    looks up a unit that had nothing left, and its location, when something is given back to it.
    """

    def __init__(self, stock: Stock, emptied: Emptied | None = None) -> None:
        self._emptied = emptied
        self.versions = dict(stock.versions)
        self._locations = dict(stock.locations)
        self._units: dict[str, dict[int, Unit]] = {}
        self._known: dict[int, Unit] = {}
        self._quantities: dict[int, Quantity] = {}
        self._changes: list[_Moved | _Added] = []
        self._shelves: dict[str, dict[tuple[str, ...], _Shelf]] = {}
        self._counts: dict[int, Count] = {}
        self._whole_counts: dict[str, dict[str, Count]] = {}
        for unit in stock.units:
            self._put(unit)
        for count in stock.counts:
            self.note(count)

    def add(self, unit: Unit, location: Location | None = None) -> None:
        """Put a unit on the shelf; one of the same id that is there already is changed into this one."""
        if location is not None:
            self._locations[location.path] = location
            self._shelves.clear()
        known = self._known.get(unit.id)
        self._changes.append(_Added(unit, known and replace(known, quantity=self._quantities[unit.id])))
        self._put(unit)

    def move(self, unit_id: int, quantity: Quantity) -> None:
        """Change a unit's running quantity by a signed amount; units it cannot find are none of its business."""
        if self._found(unit_id) is not None:
            self._change(unit_id, quantity)
            self._changes.append(_Moved(unit_id, quantity))

    def unit(self, unit_id: int) -> Unit | None:
        """Return a unit with its running quantity; None for one that it cannot find."""
        unit = self._found(unit_id)
        return unit and replace(unit, quantity=self._quantities[unit_id])

    def _found(self, unit_id: int) -> Unit | None:
        """Return a unit as it was put here, with whatever quantity it had then."""
        if unit_id not in self._known and self._emptied is not None:
            found = self._emptied(unit_id)
            if found is not None:
                self._put(found[0])
                self.know([found[1]] if found[1] is not None else [])
        return self._known.get(unit_id)

    def units(self, sku: str) -> list[Unit]:
        """Return the units of an item that it has, with their running quantities, in id order."""
        return [replace(unit, quantity=self._quantities[unit.id]) for unit in self._of(fold(sku))]

    def offers(self, sku: str) -> bool:
        """Tell whether anything may be taken of an item, from wherever."""
        return any(offer.available > 0 for tier in self.shelf(sku, ()).tiers for offer in tier.values())

    def suspense(self, sku: str) -> Unit | None:
        """Return the unit on which what is owed of an item is booked under the policy ``negative``, if it has one."""
        return next((unit for unit in self._of(fold(sku)) if unit.suspense), None)

    def know(self, locations: Iterable[Location]) -> None:
        """Learn how locations are set in which no unit of its items may lie yet."""
        for location in locations:
            if self._locations.get(location.path) != location:
                self._locations[location.path] = location
                self._shelves.clear()

    def counted_places(self) -> set[str]:
        """Return the locations in which all of one of its items was counted."""
        return {location for counts in self._whole_counts.values() for location in counts}

    def note(self, count: Count) -> None:
        """Take in a count, in place of an older one of the same unit or place."""
        if count.unit_id:
            self._counts[count.unit_id] = count
        else:
            self._whole_counts.setdefault(fold(count.sku), {})[count.location] = count

    def unit_counted(self, unit_id: int, since: datetime) -> bool:
        """Tell whether a unit has been counted later than that, by itself or with all of its item in its location."""
        unit = self._found(unit_id)
        if unit is None:
            return False
        counts = (self._counts.get(unit_id), self._whole_counts.get(fold(unit.sku), {}).get(unit.location))
        return any(count is not None and count.at > since for count in counts)

    def shelf_counted(self, sku: str, locations: tuple[str, ...], since: datetime) -> bool:
        """Tell whether all of an item has been counted later than that in a place from which it may be taken."""
        for count in self._whole_counts.get(fold(sku), {}).values():
            place = self._locations.get(count.location)
            pickable = place is None or place.pickable
            if count.at > since and pickable and _tier(count.location, locations) is not None:
                return True
        return False

    def mark(self) -> int:
        """Return a point to roll back to."""
        return len(self._changes)

    def rollback(self, mark: int) -> None:
        """Undo every change made since ``mark``."""
        while len(self._changes) > mark:
            match self._changes.pop():
                case _Moved(unit_id, quantity):
                    self._change(unit_id, -quantity)
                case _Added(unit, before):
                    self._remove(unit)
                    if before is not None:
                        self._put(before)

    def shelf(self, sku: str, locations: tuple[str, ...]) -> _Shelf:
        """Return what may be taken of an item from these subtrees, first to last; none given: from anywhere."""
        folded = fold(sku)
        shelves = self._shelves.setdefault(folded, {})
        found = shelves.get(locations)
        if found is None:
            found = shelves[locations] = self._laid_out(folded, locations)
        return found

    def _of(self, folded: str) -> list[Unit]:
        return sorted(self._units.get(folded, {}).values(), key=_by_id)

    def _put(self, unit: Unit) -> None:
        if unit.id in self._known:
            self._remove(self._known[unit.id])
        folded = fold(unit.sku)
        self._units.setdefault(folded, {})[unit.id] = unit
        self._known[unit.id] = unit
        self._quantities[unit.id] = unit.quantity
        self._shelves.pop(folded, None)

    def _remove(self, unit: Unit) -> None:
        folded = fold(unit.sku)
        del self._units[folded][unit.id], self._known[unit.id], self._quantities[unit.id]
        self._shelves.pop(folded, None)

    def _change(self, unit_id: int, quantity: Quantity) -> None:
        unit = self._known[unit_id]
        self._quantities[unit_id] += quantity
        shelves = self._shelves.get(fold(unit.sku), {})
        for locations, shelf in list(shelves.items()):
            for tier in shelf.tiers:
                if unit_id in tier:
                    tier[unit_id] = self._offer(unit)
                    break
            else:
                del shelves[locations]

    def _laid_out(self, folded: str, locations: tuple[str, ...]) -> _Shelf:
        shelf = _Shelf([{} for _ in locations or ("",)], Counter())
        places: dict[str, int | None] = {}
        for unit in self._of(folded):
            if self._quantities[unit.id] <= 0 or unit.suspense:
                continue
            if unit.location not in places:
                places[unit.location] = _tier(unit.location, locations)
            tier = places[unit.location]
            location = self._locations.get(unit.location)
            if tier is None:
                shelf.left_out["outside the locations"] += 1
            elif location is not None and not location.pickable:
                shelf.left_out["location not pickable"] += 1
            elif unit.held:
                shelf.left_out["held"] += 1
            else:
                shelf.tiers[tier][unit.id] = self._offer(unit)
                shelf.dated = shelf.dated or unit.expires_on is not None
        return shelf

    def _offer(self, unit: Unit) -> Offer:
        location = self._locations.get(unit.location)
        quantity = self._quantities[unit.id]
        return Offer(
            id=unit.id,
            location=unit.location,
            pick_sequence=location.pick_sequence if location else None,
            available=quantity,
            received_at=unit.received_at,
            opened=quantity < unit.received,
            lot=unit.lot,
            serial=unit.serial,
            expires_on=unit.expires_on,
            unit_cost=unit.unit_cost,
            priority=unit.priority,
        )


def _tier(path: str, locations: tuple[str, ...]) -> int | None:
    """Return which of the subtrees ``locations`` holds the path first; None for none, 0 where any will do."""
    if not locations:
        return 0
    inside = (n for n, root in enumerate(locations) if path == root or path.startswith(root.rstrip("/") + "/"))
    return next(inside, None)


def allocate(need: Need, limits: Limits, pool: Pool, method: Method) -> Plan:
    """Plan one need tier by tier, check each plan, and take its picks out of the pool.

    Raises BadPlan, naming the strategy, when the strategy raises, is late, or breaks a rule (promise 7); the pool is
    then as it was.
    """
    tiers, left_out = _eligible(need, limits, pool)
    decision = decide(method.attempts, need, tiers)
    for pick in decision.picks:
        pool.move(pick.unit_id, -pick.quantity)
    by_id = {offer.id: offer for tier in tiers for offer in tier}
    deciding = decision.deciding
    strategy = ", then ".join(attempt.strategy for attempt in deciding) or method.strategy
    trace = Trace(
        rule=limits.rule,
        strategy=strategy,
        version=deciding[0].version if deciding else method.version,
        options=method.options,
        offered=len(by_id),
        left_out=left_out,
        taken=tuple(_trace_unit(by_id[pick.unit_id], pick) for pick in decision.picks),
        passed_over=tuple(_trace_unit(by_id[pick.unit_id], pick) for pick in _passed_over(tiers, decision)),
        configured=None if strategy == method.strategy else method.strategy,
    )
    return Plan(tuple(decision.picks), need.quantity - decision.left, trace, frozenset(decision.asked))


def _passed_over(tiers: list[list[Offer]], decision: Decision) -> list[Pick]:
    """Return the units that would have come next: those the strategy named, then those of later locations."""
    following = list(decision.following)
    if decision.tier is not None:
        later = tiers[decision.tier + 1 :]
        following += [Pick(offer.id, 0, "in a later location") for tier in later for offer in tier[:MOST_PASSED_OVER]]
    taken = {pick.unit_id for pick in decision.picks}
    named = {pick.unit_id: pick for pick in following if pick.unit_id not in taken}
    return list(named.values())[:MOST_PASSED_OVER]


def _eligible(need: Need, limits: Limits, pool: Pool) -> tuple[list[list[Offer]], Counter[str]]:
    """Return the offers of each tier in id order, and how many units each filter left out."""
    shelf = pool.shelf(need.sku, limits.locations)
    tiers = [[offer for offer in tier.values() if offer.available > 0] for tier in shelf.tiers]
    shipped = need.ship_date if shelf.dated else None
    if not shipped and not need.lots and not need.serials:
        return tiers, shelf.left_out
    left_out = Counter(shelf.left_out)
    must_be_good = limits.first_good(shipped) if shipped else 0
    too_old = f"good for less than {limits.min_shelf_life_days} days" if limits.min_shelf_life_days else _EXPIRED
    lots = {fold(lot) for lot in need.lots}
    serials = {fold(serial) for serial in need.serials}
    kept: list[list[Offer]] = []
    for tier in tiers:
        kept.append([])
        for offer in tier:
            if offer.expires_on is not None and offer.expires_on.toordinal() < must_be_good:
                left_out[too_old] += 1
            elif lots and fold(offer.lot or "") not in lots:
                left_out["not of the lot named"] += 1
            elif serials and fold(offer.serial or "") not in serials:
                left_out["not of the serial number named"] += 1
            else:
                kept[-1].append(offer)
    return kept, left_out


def _trace_unit(offer: Offer, pick: Pick) -> TraceUnit:
    return TraceUnit(offer.id, offer.location, offer.lot, offer.available, pick.quantity, pick.why)
