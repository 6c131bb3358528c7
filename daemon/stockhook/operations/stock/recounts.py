"""A count that a person takes back: the shelf is no longer known, and what the count ended is wanted again."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.errors import Refused
from stockhook.model import Audit, Count, Movement, MovementKind, OrderKey, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.operations.stock.counts import ACTION, FOR, LAST, NEVER
from stockhook.operations.stock.endings import open_again, read
from stockhook.operations.stock.ledger import known_unit
from stockhook.operations.stock.moments import line_of
from stockhook.quantity import text
from stockhook.record import replace
from stockhook.store import FOREVER, Read
from stockhook.target import moment_shipped

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment of a count that speaks of nothing: whatever is booked has shipped since."""


@dataclass(frozen=True, slots=True)
class Recount:
    """One count: its movements, what is kept of it, and what was kept before it.

    ``resting`` are the movements of orders that had a count stand on its units since, oldest first: what was taken of
    goods gone before it, or given back.
    """

    movements: tuple[Movement, ...]
    count: Count
    before: Count
    audit: Audit
    resting: tuple[Movement, ...]

    @property
    def ended(self) -> frozenset[OrderKey]:
        """The orders to which something was owed no more because of it."""
        return frozenset(read(self.audit.details))

    @property
    def orders(self) -> frozenset[OrderKey]:
        """The orders that taking it back may change."""
        return self.ended | {_key(movement) for movement in self.resting}

    def open_again(self, desk: Desk, batch: Batch, units: Mapping[int, Unit], reason: str) -> None:
        """Have the batch forget the count, want what it has ended, and no longer make up for what rested on it.

        Raises Refused where one of its ``units`` would not have enough left for that.
        """
        batch.pool.note(self.before)
        self._make_up_no_more(desk, batch, units, reason)
        for key, quantity in read(self.audit.details).items():
            open_again(desk, batch, key, self.count.sku, quantity, reason)

    def _make_up_no_more(self, desk: Desk, batch: Batch, units: Mapping[int, Unit], reason: str) -> None:
        left = Counter({unit.id: unit.quantity for unit in units.values()})
        for movement in self.movements:
            left[movement.unit_id] -= movement.quantity
        by_order: dict[OrderKey, list[Movement]] = {}
        for opposite in self._opposites(desk, batch, reason):
            by_order.setdefault(_key(opposite), []).append(opposite)
        for key, opposites in sorted(by_order.items(), key=lambda one: -sum(each.quantity for each in one[1])):
            for opposite in opposites:
                left[opposite.unit_id] += opposite.quantity
                if left[opposite.unit_id] < 0:
                    raise Refused(
                        f"{text(-opposite.quantity)} of {opposite.sku} that order {key.order_id} had taken before the "
                        f"count would leave unit {opposite.unit_id} too, which has been used since; nothing was "
                        "changed. Say what is there: stockhook stock count"
                    )
            _adopt(desk, batch, key, opposites, reason)

    def _opposites(self, desk: Desk, batch: Batch, reason: str) -> list[Movement]:
        """Return the opposite of what rests on this count alone, what gives something back first."""
        sums: Counter[tuple[int, int | None]] = Counter()
        newest: dict[tuple[int, int | None], Movement] = {}
        for movement in self.resting:
            key = (movement.unit_id, movement.reverses)
            sums[key] += movement.quantity
            newest[key] = movement
        opposites = []
        for key, quantity in sums.items():
            movement = newest[key]
            if not quantity or self._counted_besides(batch, movement):
                continue
            opposites.append(
                replace(
                    movement,
                    id=next(batch.ids),
                    quantity=-quantity,
                    at=desk.clock.now(),
                    actor=desk.actor,
                    balance_after=0,
                    event_id=None,
                    reason=reason,
                )
            )
        return sorted(opposites, key=attrgetter("quantity"), reverse=True)

    def _counted_besides(self, batch: Batch, movement: Movement) -> bool:
        """Tell whether the goods were gone before another count of their unit, which still stands."""
        state = batch.state(_key(movement))
        line = line_of(state, movement.line) if state else None
        moment = moment_shipped(state.order, line) if state and line else None
        return moment is not None and batch.pool.unit_counted(movement.unit_id, moment)


def _adopt(desk: Desk, batch: Batch, key: OrderKey, opposites: list[Movement], reason: str) -> None:
    """Put into an order of the batch that what it took is made up for by a count no more."""
    state = batch.state(key)
    assert state is not None, "a movement without its order"
    draft = Draft(state, Cause(desk.clock.now(), desk.actor), batch.ids)
    draft.movements += opposites
    draft.skus |= {opposite.sku for opposite in opposites}
    less = {opposite.reverses: opposite.quantity for opposite in opposites}
    takes = tuple(
        replace(take, counted=take.counted + less[take.movement_id]) if take.movement_id in less else take
        for take in state.takes
    )
    for opposite in opposites:
        batch.pool.move(opposite.unit_id, opposite.quantity)
    words = f"the count before which goods had left was taken back: {reason}"
    order = replace(state.order, history=(*state.order.history, words))
    batch.adopt(key, replace(state, order=order, takes=takes), draft)


def recount(view: Read, movement: Movement) -> Recount:
    """Return the count that a movement is of; raises Refused where it was counted again since."""
    of_it = {"sku": movement.sku, "kind": MovementKind.COUNT, "at": movement.at, "reference": movement.reference}
    movements = tuple(view.find(Movement, {**of_it, "order_id": None}, most=FOREVER))
    audit = view.find(Audit, {"action": ACTION, "subject": movement.reference, "at": movement.at}, most=1)[0]
    unit = known_unit(view, movement.unit_id)
    number = unit.id if movement.reference == f"unit {unit.id}" else 0
    count = Count(movement.sku, unit.location, number, datetime.fromisoformat(audit.details[FOR]))
    kept = view.find(Count, {"sku": count.sku, "location": count.location, "unit_id": number}, most=1)
    if kept != [count]:
        raise Refused(
            f"{movement.reference} was counted again since movement {movement.id}, or that count was taken back: "
            "nothing was changed"
        )
    where = {"sku": count.sku, "location": count.location, "suspense": False}
    covered = {unit.id} if number else {each.id for each in view.find(Unit, where, most=FOREVER)}
    _refuse_newer(view, count)
    last = audit.details[LAST]
    before = Count(count.sku, count.location, number, _NEVER if last == NEVER else datetime.fromisoformat(last))
    resting = tuple(reversed(list(_resting(view, movements, covered))))
    return Recount(movements, count, before, audit, resting)


def _refuse_newer(view: Read, count: Count) -> None:
    """Raise Refused where another count says of a later moment what lies there."""
    for other in view.find(Count, {"sku": count.sku, "location": count.location}, most=FOREVER):
        if other.at > count.at and (count.unit_id == 0 or other.unit_id in (0, count.unit_id)):
            what = f"unit {other.unit_id}" if other.unit_id else f"all of {other.sku} at {other.location}"
            raise Refused(f"{what} was counted since, and that count stands: nothing was changed. Take it back first")


def _resting(view: Read, movements: tuple[Movement, ...], covered: set[int]) -> Iterator[Movement]:
    """Yield, newest first, the movements of orders that have had a count of these units stand since it was booked."""
    booked = min(movement.id for movement in movements)
    for movement in every(view, Movement, {"sku": movements[0].sku, "kind": MovementKind.COUNT}):
        if movement.id < booked:
            return
        if movement.order_id is not None and movement.unit_id in covered:
            yield movement


def _key(movement: Movement) -> OrderKey:
    return OrderKey(movement.account or "", movement.order_id or "")
