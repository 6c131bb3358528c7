"""From a need to a checked plan: what may be taken, in which tiers, by which strategy, and why (strategies.md 3)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from stockhook.errors import BadPlan
from stockhook.model import Location, Need, Offer, Pick, Stock, Trace, TraceUnit, Unit, fold
from stockhook.quantity import ONE, Quantity, text

Planner = Callable[[Need, Sequence[Offer]], Sequence[Pick]]

MOST_PASSED_OVER = 5


@dataclass(frozen=True, slots=True)
class Method:
    """A strategy as configured: its plan function (budgeted by the caller) and what the trace says of it."""

    strategy: str
    version: str
    options: dict[str, object]
    plan: Planner


@dataclass(frozen=True, slots=True)
class Limits:
    """What one line leaves of an item's units: locations (subtrees, first to last; empty: all), its day, its lots.

    ``rule`` names in words where the locations come from.
    """

    rule: str
    locations: tuple[str, ...] = ()
    ship_date: date | None = None
    lots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a strategy decided for one need, checked: what to take from which unit, and why."""

    picks: tuple[Pick, ...]
    taken: Quantity
    trace: Trace


class Pool:
    """The units an evaluation may take from, running: what one order takes, the next is not offered.

    Changes after ``mark()`` are undone by ``rollback(mark)``.
    """

    def __init__(self, stock: Stock) -> None:
        self.versions = dict(stock.versions)
        self._locations = dict(stock.locations)
        self._units: dict[str, dict[int, Unit]] = {}
        self._owner: dict[int, str] = {}
        self._changes: list[tuple[int, Quantity]] = []
        self._offers: dict[int, Offer] = {}
        self._tiers: dict[tuple[str, tuple[str, ...]], int | None] = {}
        for unit in stock.units:
            self.add(unit)

    def add(self, unit: Unit, location: Location | None = None) -> None:
        """Put a unit on the shelf; ids must come in ascending order per item."""
        self._units.setdefault(fold(unit.sku), {})[unit.id] = unit
        self._owner[unit.id] = fold(unit.sku)
        if location is not None:
            self._locations[location.path] = location

    def of(self, sku: str) -> Iterable[Unit]:
        """Return the units of an item with their running quantities, in id order."""
        return self._units.get(fold(sku), {}).values()

    def unit(self, unit_id: int) -> Unit | None:
        """Return a unit with its running quantity, if it is in the pool."""
        owner = self._owner.get(unit_id)
        return None if owner is None else self._units[owner][unit_id]

    def move(self, unit_id: int, quantity: Quantity) -> None:
        """Change a unit's running quantity by a signed amount; units outside the pool are none of its business."""
        unit = self.unit(unit_id)
        if unit is None:
            return
        self._set(unit, unit.quantity + quantity)
        self._changes.append((unit_id, quantity))

    def mark(self) -> int:
        """Return a point to roll back to."""
        return len(self._changes)

    def rollback(self, mark: int) -> None:
        """Undo every change made since ``mark``."""
        while len(self._changes) > mark:
            unit_id, quantity = self._changes.pop()
            unit = self._units[self._owner[unit_id]][unit_id]
            self._set(unit, unit.quantity - quantity)

    def _set(self, unit: Unit, quantity: Quantity) -> None:
        self._units[self._owner[unit.id]][unit.id] = replace(unit, quantity=quantity)
        self._offers.pop(unit.id, None)

    def offer(self, unit: Unit) -> Offer:
        """Return a unit as strategies see it."""
        found = self._offers.get(unit.id)
        if found is None:
            location = self._locations.get(unit.location)
            found = self._offers[unit.id] = Offer(
                id=unit.id,
                location=unit.location,
                pick_sequence=location.pick_sequence if location else None,
                available=unit.quantity,
                received_at=unit.received_at,
                opened=unit.quantity < unit.received,
                lot=unit.lot,
                serial=unit.serial,
                expires_on=unit.expires_on,
                unit_cost=unit.unit_cost,
                priority=unit.priority,
            )
        return found

    def pickable(self, path: str) -> bool:
        """Tell whether a location may be taken from; one that nobody described may."""
        location = self._locations.get(path)
        return location is None or location.pickable

    def tier(self, path: str, locations: tuple[str, ...]) -> int | None:
        """Return which of the subtrees ``locations`` holds the path first; None for none, 0 where any will do."""
        if not locations:
            return 0
        key = (path, locations)
        if key not in self._tiers:
            inside = (n for n, root in enumerate(locations) if path == root or path.startswith(root.rstrip("/") + "/"))
            self._tiers[key] = next(inside, None)
        return self._tiers[key]


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
    for offers in tiers:
        if not left:
            passed_over += [_trace_unit(offer, Pick(offer.id, 0, "in a later location")) for offer in offers]
        if not left or not offers:
            continue
        try:
            chosen, following = _checked(method, replace(need, quantity=left), offers)
        except BadPlan:
            pool.rollback(mark)
            raise
        by_id = {offer.id: offer for offer in offers}
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
    tiers: list[list[Offer]] = [[] for _ in limits.locations or ("",)]
    left_out: Counter[str] = Counter()
    lots = {fold(lot) for lot in limits.lots}
    for unit in pool.of(need.sku):
        tier = pool.tier(unit.location, limits.locations)
        if unit.quantity <= 0:
            continue
        if tier is None:
            left_out["outside the locations"] += 1
        elif not pool.pickable(unit.location):
            left_out["location not pickable"] += 1
        elif unit.held:
            left_out["held"] += 1
        elif unit.expires_on and need.ship_date and unit.expires_on < need.ship_date:
            left_out["expired on the ship date"] += 1
        elif lots and fold(unit.lot or "") not in lots:
            left_out["not of the lot named"] += 1
        else:
            tiers[tier].append(pool.offer(unit))
    return tiers, left_out


def _checked(method: Method, need: Need, offers: Sequence[Offer]) -> tuple[list[Pick], list[Pick]]:
    """Return the takes of a plan, and the units named as next; raises BadPlan where it breaks a rule."""
    try:
        plan = list(method.plan(need, offers))
    except BadPlan:
        raise
    except Exception as error:  # a plugin's code: whatever it raises is its own fault, and is named
        raise BadPlan(method.strategy, f"raised {type(error).__name__}: {error}") from error
    by_id = {offer.id: offer for offer in offers}
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
    if not isinstance(pick, Pick) or type(pick.quantity) is not int:
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
