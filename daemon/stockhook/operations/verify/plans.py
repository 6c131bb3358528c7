"""The check of plans: what a strategy took was offered, was needed, and is what was moved."""

from collections.abc import Iterator, Sequence

from stockhook.model import Allocation, Movement
from stockhook.operations.due import every
from stockhook.operations.verify.inspection import Finding
from stockhook.quantity import Quantity, text
from stockhook.store import Read


class Plans:
    """Reads the allocations beside their movements, both newest first.

    Both got their ids in the same bookings, so what belongs together is seen soon one after the other. Kept meanwhile
    is by how much more was moved than planned of each unit: nothing, once all of an allocation has been seen.
    """

    def __init__(self, view: Read) -> None:
        self._view = view
        self._allocations = every(view, Allocation)
        self._next = next(self._allocations, None)
        self._moved: dict[int, dict[int, Quantity]] = {}

    def beside(self, movements: Sequence[Movement]) -> Iterator[Finding]:
        """Note what was moved, and judge the plans that are as new as these movements."""
        oldest = None
        for movement in movements:
            if movement.allocation_id is not None:
                oldest = movement.allocation_id
                self._note(oldest, movement.unit_id, -movement.quantity)
        while oldest is not None and self._next is not None and self._next.id >= oldest:
            yield "plans", 1, self._judge(self._next)

    def rest(self) -> Iterator[Finding]:
        """Judge the plans that are older than all movements, and tell of what was planned or moved alone."""
        while self._next is not None:
            yield "plans", 1, self._judge(self._next)
        for number in sorted(self._moved, reverse=True):
            found = self._view.find(Allocation, {"id": number}, most=1)
            if found:
                yield "plans", 0, f"{_name(found[0])}: the movements are not what the plan took"
            else:
                yield "plans", 0, f"allocation {number} is not there, but movements name it"

    def _judge(self, allocation: Allocation) -> str | None:
        self._next = next(self._allocations, None)
        planned = {unit.unit_id: unit.taken for unit in allocation.trace.taken}
        if self._moved.get(allocation.id) == planned:
            del self._moved[allocation.id]
        else:
            for unit, taken in planned.items():
                self._note(allocation.id, unit, -taken)
        wrong = _unsound(allocation, planned)
        return None if wrong is None else f"{_name(allocation)}: {wrong}"

    def _note(self, allocation: int, unit: int, quantity: Quantity) -> None:
        moved = self._moved.setdefault(allocation, {})
        more = moved.pop(unit, 0) + quantity
        if more:
            moved[unit] = more
        elif not moved:
            del self._moved[allocation]


def _name(allocation: Allocation) -> str:
    return f"allocation {allocation.id} of order {allocation.order_id}"


def _unsound(allocation: Allocation, planned: dict[int, Quantity]) -> str | None:
    """Promise 7: what a plan took was offered, never more than that or than was needed."""
    trace = allocation.trace
    if len(planned) != len(trace.taken) or len(planned) > trace.offered:
        return f"{len(trace.taken)} takes of {len(planned)} units where {trace.offered} were offered"
    for unit in trace.taken:
        if not 0 < unit.taken <= unit.available:
            return f"took {text(unit.taken)} of unit {unit.unit_id}, which had {text(unit.available)}"
    total = sum(planned.values())
    if total != allocation.taken or total > allocation.need:
        return f"the takes sum to {text(total)}, noted are {text(allocation.taken)} of {text(allocation.need)} needed"
    return None
