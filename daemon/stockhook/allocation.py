"""From a need to a checked plan: what may be taken, in which tiers, by which strategy, and why (strategies.md 3)."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from stockhook.errors import BadPlan
from stockhook.model import Location, Need, Offer, Pick, Stock, Trace, TraceUnit, Unit, fold
from stockhook.quantity import ONE, Quantity, text
from stockhook.record import record, replace

Emptied = Callable[[int], tuple[Unit, Location | None] | None]
Planner = Callable[[Need, Sequence[Offer]], Sequence[Pick]]

MOST_PASSED_OVER = 5

_by_id = attrgetter("id")


@record(frozen=True, slots=True)
class Method:
    """A strategy as configured: its plan function (budgeted by the caller) and what the trace says of it."""

    strategy: str
    version: str
    options: dict[str, object]
    plan: Planner


@record(frozen=True, slots=True)
class Limits:
    """What one line leaves of an item's units: locations (subtrees, first to last; empty: all), its day, its lots.

    ``rule`` names in words where the locations come from.
    """

    rule: str
    locations: tuple[str, ...] = ()
    ship_date: date | None = None
    lots: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Plan:
    """What a strategy decided for one need, checked: what to take from which unit, and why."""

    picks: tuple[Pick, ...]
    taken: Quantity
    trace: Trace


@dataclass(slots=True)
class _Shelf:
    """An item's units under one choice of locations: per tier what may be offered, by id, and how many are left out.

    Offers stay here when nothing is left of them, so that taking back puts them where they were.
    """

    tiers: list[dict[int, Offer]]
    left_out: Counter[str]
    dated: bool = False


class Pool:
    """The units an evaluation may take from, running: what one order takes, the next is not offered.

    Changes after ``mark()`` are undone by ``rollback(mark)``. What is offered of an item is worked out once and then
    kept up with each move, since the orders of a batch ask for the same items. ``emptied`` looks up a unit that had
    nothing left, and its location, when something is given back to it.
    """

    def __init__(self, stock: Stock, emptied: Emptied | None = None) -> None:
        self._emptied = emptied
        self.versions = dict(stock.versions)
        self._locations = dict(stock.locations)
        self._units: dict[str, list[Unit]] = {}
        self._known: dict[int, Unit] = {}
        self._quantities: dict[int, Quantity] = {}
        self._changes: list[tuple[int, Quantity]] = []
        self._shelves: dict[str, dict[tuple[str, ...], _Shelf]] = {}
        for unit in stock.units:
            self.add(unit)

    def add(self, unit: Unit, location: Location | None = None) -> None:
        """Put a unit on the shelf."""
        if location is not None:
            self._locations[location.path] = location
            self._shelves.clear()
        folded = fold(unit.sku)
        insort(self._units.setdefault(folded, []), unit, key=_by_id)
        self._known[unit.id] = unit
        self._quantities[unit.id] = unit.quantity
        self._shelves.pop(folded, None)

    def move(self, unit_id: int, quantity: Quantity) -> None:
        """Change a unit's running quantity by a signed amount; units it cannot find are none of its business."""
        if unit_id not in self._known and self._emptied is not None:
            found = self._emptied(unit_id)
            if found is not None:
                self.add(*found)
        if unit_id in self._known:
            self._change(unit_id, quantity)
            self._changes.append((unit_id, quantity))

    def mark(self) -> int:
        """Return a point to roll back to."""
        return len(self._changes)

    def rollback(self, mark: int) -> None:
        """Undo every change made since ``mark``."""
        while len(self._changes) > mark:
            unit_id, quantity = self._changes.pop()
            self._change(unit_id, -quantity)

    def shelf(self, sku: str, locations: tuple[str, ...]) -> _Shelf:
        """Return what may be taken of an item from these subtrees, first to last; none given: from anywhere."""
        folded = fold(sku)
        shelves = self._shelves.setdefault(folded, {})
        found = shelves.get(locations)
        if found is None:
            found = shelves[locations] = self._laid_out(folded, locations)
        return found

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
        for unit in self._units.get(folded, ()):
            if self._quantities[unit.id] <= 0:
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
    mark = pool.mark()
    left = need.quantity
    taken: list[TraceUnit] = []
    picks: list[Pick] = []
    passed_over: list[TraceUnit] = []
    for offers in filter(None, tiers):
        if not left:
            passed_over += [_not_needed(offer) for offer in offers[:MOST_PASSED_OVER]]
            continue
        by_id = {offer.id: offer for offer in offers}
        try:
            asked = need if left == need.quantity else replace(need, quantity=left)
            chosen, following = _checked(method, asked, offers, by_id)
        except BadPlan:
            pool.rollback(mark)
            raise
        for pick in chosen:
            left -= pick.quantity
            pool.move(pick.unit_id, -pick.quantity)
        picks += chosen
        taken += [_trace_unit(by_id[pick.unit_id], pick) for pick in chosen]
        passed_over += [_trace_unit(by_id[pick.unit_id], pick) for pick in following]
    trace = Trace(
        rule=limits.rule,
        strategy=method.strategy,
        version=method.version,
        options=method.options,
        offered=sum(map(len, tiers)),
        left_out=left_out,
        taken=tuple(taken),
        passed_over=tuple(passed_over[:MOST_PASSED_OVER]),
    )
    return Plan(tuple(picks), need.quantity - left, trace)


def _eligible(need: Need, limits: Limits, pool: Pool) -> tuple[list[list[Offer]], Counter[str]]:
    """Return the offers of each tier in id order, and how many units each filter left out."""
    shelf = pool.shelf(need.sku, limits.locations)
    tiers = [[offer for offer in tier.values() if offer.available > 0] for tier in shelf.tiers]
    day = need.ship_date if shelf.dated else None
    if day is None and not limits.lots:
        return tiers, shelf.left_out
    left_out = Counter(shelf.left_out)
    lots = {fold(lot) for lot in limits.lots}
    for tier in tiers:
        for offer in tuple(tier):
            if day is not None and offer.expires_on is not None and offer.expires_on < day:
                left_out["expired on the ship date"] += 1
            elif lots and fold(offer.lot or "") not in lots:
                left_out["not of the lot named"] += 1
            else:
                continue
            tier.remove(offer)
    return tiers, left_out


def _checked(
    method: Method, need: Need, offers: Sequence[Offer], by_id: dict[int, Offer]
) -> tuple[list[Pick], list[Pick]]:
    """Return the takes of a plan, and the units named as next; raises BadPlan where it breaks a rule."""
    try:
        plan = list(method.plan(need, offers))
    except BadPlan:
        raise
    except Exception as error:  # a plugin's code: whatever it raises is its own fault, and is named
        raise BadPlan(method.strategy, f"raised {type(error).__name__}: {error}") from error
    chosen: list[Pick] = []
    following: list[Pick] = []
    seen: set[int] = set()
    for pick in plan:
        _check_pick(method.strategy, pick, by_id, seen)
        (chosen if pick.quantity else following).append(pick)
    total = sum(pick.quantity for pick in chosen)
    if total > need.quantity:
        raise BadPlan(method.strategy, f"took {text(total)} of {need.sku} where {text(need.quantity)} were needed")
    return chosen, following


def _check_pick(strategy: str, pick: object, offers: dict[int, Offer], seen: set[int]) -> None:
    sound = isinstance(pick, Pick) and type(pick.unit_id) is type(pick.quantity) is int and isinstance(pick.why, str)
    if not isinstance(pick, Pick) or not sound:
        raise BadPlan(strategy, f"returned {pick!r} where a Pick with a whole number of millionths was expected")
    offer = offers.get(pick.unit_id)
    if offer is None:
        raise BadPlan(strategy, f"took from unit {pick.unit_id}, which was not offered")
    if pick.unit_id in seen:
        raise BadPlan(strategy, f"named unit {pick.unit_id} twice")
    seen.add(pick.unit_id)
    if not 0 <= pick.quantity <= offer.available:
        raise BadPlan(
            strategy, f"took {text(pick.quantity)} from unit {pick.unit_id}, which has {text(offer.available)}"
        )
    if offer.serial is not None and pick.quantity % ONE:
        raise BadPlan(strategy, f"cut the serial unit {pick.unit_id} ({offer.serial})")


def _trace_unit(offer: Offer, pick: Pick) -> TraceUnit:
    return TraceUnit(offer.id, offer.location, offer.lot, offer.available, pick.quantity, pick.why)


def _not_needed(offer: Offer) -> TraceUnit:
    return _trace_unit(offer, Pick(offer.id, 0, "in a later location"))
