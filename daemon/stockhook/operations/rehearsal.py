"""What an action would do, without doing it: carried out in a unit of work that is then undone.

And the action itself, done only if it still does that.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar, cast

from stockhook.model import NEW, Audit, Booking, Movement, MovementKind, OrderKey, Problem, ProblemState, Shortage, Unit
from stockhook.operations.desk import Desk
from stockhook.store import FOREVER, Read, Store, Work

Result = TypeVar("Result")

MOST: Final = 200
"""Movements and shortages that a rehearsal keeps; ``more`` counts the rest."""

_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Step:
    """A movement that would be booked; ``unit`` is its unit as it would be afterwards, its id 0 for a new one."""

    movement: Movement
    unit: Unit


@dataclass(frozen=True, slots=True)
class NewUnit:
    """Goods that would be a unit of their own, as it would be afterwards, its id 0.

    ``dated``: they were received at another moment than that of the booking, which is not known yet, or of the count.
    """

    unit: Unit
    dated: bool

    @property
    def facts(self) -> tuple[object, ...]:
        """What is known of these goods beside place, lot and quantity; None for each that is not."""
        unit = self.unit
        received = unit.received_at if self.dated else None
        return unit.serial, received, unit.expires_on, unit.unit_cost, unit.priority, unit.reference

    @property
    def described(self) -> bool:
        """Tell whether any of that is known."""
        return any(fact is not None for fact in self.facts)


@dataclass(frozen=True, slots=True)
class Rehearsed(Generic[Result]):
    """What the action returned, and what it would have booked, in that order; ``more`` of which were not kept.

    ``shortages`` are new or changed rows as they would be, ``opens`` and ``closes`` problems that would be.
    ``changed`` are units of which something but the quantity would change, ``orders`` those that would be worked anew,
    ``reasons`` what was given as such, and would be kept.
    """

    result: Result
    steps: tuple[Step, ...]
    shortages: tuple[Shortage, ...]
    changed: tuple[Unit, ...]
    orders: tuple[OrderKey, ...]
    opens: tuple[Problem, ...]
    closes: tuple[Problem, ...]
    new: tuple[NewUnit, ...] = ()
    reasons: tuple[str, ...] = ()
    more: int = 0

    @property
    def digest(self) -> str:
        """A word for all that a person is shown of it, moments aside: another one once something else would be done."""
        shown = [
            [_entry(step) for step in self.steps],
            sorted((row.account, row.order_id, row.sku, row.open) for row in self.shortages),
            sorted((*_standing(unit), unit.held) for unit in self.changed),
            sorted((told.kind, told.subject, told.account or "") for told in self.opens),
            sorted(told.id for told in self.closes),
            [(_standing(new.unit), new.facts) for new in self.new],
            self.reasons,
            self.more,
        ]
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:_DIGITS]


def _entry(step: Step) -> tuple[object, ...]:
    movement = step.movement
    return movement.kind, movement.quantity, movement.account, movement.order_id, _standing(step.unit)


def _standing(unit: Unit) -> tuple[int, str, str, str, int]:
    return unit.id, unit.sku, unit.location, unit.lot or "", unit.quantity


def rehearse(desk: Desk, do: Callable[[Desk], Result]) -> Rehearsed[Result]:
    """Return what ``do`` would return and book now; raises what it raises. Nothing of it is kept.

    For actions of one commit: one that ends its first unit of work and begins another would not see what it did.
    """
    stage = _Stage()

    def undo() -> None:
        raise _Undone

    return stage.seen(do(_on_stage(desk, stage, undo)))


def as_rehearsed(desk: Desk, do: Callable[[Desk], Result], digest: str) -> Result:
    """Do what ``do`` does if it books what a rehearsal with this ``digest`` told, which its own commit sees to.

    Raises OtherThanRehearsed, with nothing changed, and what ``do`` raises. For actions of one commit.
    """
    stage = _Stage()

    def agree() -> None:
        if stage.seen(None).digest != digest:
            raise OtherThanRehearsed

    return do(_on_stage(desk, stage, agree))


class OtherThanRehearsed(Exception):
    """Something else would be booked by now than was rehearsed."""


class _Undone(Exception):
    """Undoes a unit of work that has been seen to its end."""


def _on_stage(desk: Desk, stage: "_Stage", at_end: Callable[[], None]) -> Desk:
    return replace(desk, store=cast("Store", _StagedStore(desk.store, stage, at_end)))


@dataclass(slots=True)
class _Stage:
    """What was written in the unit of work that is about to end."""

    bookings: list[Booking] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    shortages: list[Shortage] = field(default_factory=list)
    changed: list[Unit] = field(default_factory=list)
    new: list[NewUnit] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def clear(self) -> None:
        seen = (self.bookings, self.problems, self.steps, self.shortages, self.changed, self.new, self.reasons)
        for each in seen:
            each.clear()

    def seen(self, result: Result) -> Rehearsed[Result]:
        """Return what a person is told of it."""
        return Rehearsed(
            result,
            tuple(self.steps[:MOST]),
            tuple(self.shortages[:MOST]),
            tuple(self.changed[:MOST]),
            tuple(dict.fromkeys(booking.key for booking in self.bookings if booking.key is not None)),
            tuple(problem for problem in self.problems if problem.state is ProblemState.OPEN),
            tuple(problem for problem in self.problems if problem.state is not ProblemState.OPEN),
            tuple(self.new[:MOST]),
            tuple(dict.fromkeys(self.reasons)),
            max(0, len(self.steps) - MOST) + max(0, len(self.shortages) - MOST),
        )

    def look(self, view: Read) -> None:
        """Read how the units stand at the end, while it can still be seen."""
        movements = [movement for booking in self.bookings for movement in booking.movements]
        named = [unit for booking in self.bookings for unit in booking.units]
        added: Counter[int] = Counter()
        first: dict[int, Movement] = {}
        for movement in movements:
            added[movement.unit_id] += movement.quantity
            first.setdefault(movement.unit_id, movement)
        new = {unit.id: replace(unit, id=0, quantity=unit.quantity + added[unit.id]) for unit in named if _new(unit.id)}
        ids = frozenset({unit_id for unit_id in added if not _new(unit_id)} | {u.id for u in named if not _new(u.id)})
        units = {unit.id: unit for unit in view.find(Unit, {"id": ids}, most=FOREVER)} if ids else {}
        self.steps = [Step(movement, (units | new)[movement.unit_id]) for movement in movements]
        self.shortages = [row for booking in self.bookings for row in booking.shortages]
        self.changed = [units[unit.id] for unit in named if unit.id in units]
        self.new = [
            NewUnit(new[unit.id], dated=_dated(unit, first[unit.id]))
            for unit in named
            if unit.id in first and unit.id in new and not unit.suspense
        ]


class _StagedStore:
    """The store, whose units of work are looked at before they end; what ``at_end`` raises undoes them."""

    def __init__(self, store: Store, stage: _Stage, at_end: Callable[[], None]) -> None:
        self._store = store
        self._stage = stage
        self._at_end = at_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self) -> Iterator[Work]:
        self._stage.clear()
        with suppress(_Undone), self._store.write() as work:
            yield cast("Work", _StagedWork(work, self._stage))
            self._stage.look(work)
            self._at_end()


class _StagedWork:
    """A unit of work that remembers what was booked in it, and what became of problems."""

    def __init__(self, work: Work, stage: _Stage) -> None:
        self._work = work
        self._stage = stage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def book(self, bookings: Sequence[Booking]) -> frozenset[OrderKey | None]:
        void = self._work.book(bookings)
        self._stage.bookings += [booking for booking in bookings if booking.key not in void]
        return void

    def save(self, records: Sequence[Any]) -> None:
        self._stage.problems += [record for record in records if isinstance(record, Problem)]
        self._stage.reasons += [record.reason for record in records if isinstance(record, Audit) and record.reason]
        self._work.save(records)


def _dated(unit: Unit, first: Movement) -> bool:
    if first.kind is MovementKind.RECEIPT:
        return unit.received_at != first.at
    return first.kind is not MovementKind.COUNT


def _new(unit_id: int) -> bool:
    return unit_id >= NEW
