"""Checks of orders: what is booked is what is known, kits count once, plans were sound, waits have a reason."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from stockhook.evaluate import Evaluation
from stockhook.groups import counted_twice
from stockhook.kits import Reading, read_lines
from stockhook.model import Allocation, How, Movement, OrderState, Problem, ProblemState, WaitKind
from stockhook.operations.due import pages
from stockhook.operations.verify.inspection import Inspection, name
from stockhook.quantity import text

_EXCUSES = frozenset({WaitKind.ITEM, WaitKind.STRATEGY})
_KNOWN = frozenset({ProblemState.OPEN, ProblemState.ACKNOWLEDGED})


def difference(inspection: Inspection) -> Iterator[str | None]:
    """Promise 2: evaluating every order anew, with nothing in stock, finds nothing to book, withdraw or give back.

    An order that is due, or parked by its shortage policy or a refused plan, may still have something to book.
    """
    for state, result in inspection.evaluated():
        yield None if result is None else _difference(inspection, state, result)


def _difference(inspection: Inspection, state: OrderState, result: Evaluation) -> str | None:
    order = name(state.order)
    for movement in result.movements:
        return (
            f"{order}: {text(movement.quantity)} of {movement.sku} are booked, but the store says they have not shipped"
        )
    before = {row.id: row.open for row in state.shortages}
    excused = any(wait.kind in _EXCUSES for wait in state.waits)
    for row in result.shortages:
        grown = row.open - before.get(row.id, 0)
        if grown < 0:
            return f"{order}: {text(-grown)} of {row.sku} are owed, but nothing asks for them any more"
        if not excused:
            return f"{order}: {text(grown)} of {row.sku} have shipped, but are neither booked nor owed"
    owed = {row.sku for row in state.shortages if row.open}
    for wait in result.state.waits:
        if wait.kind is WaitKind.ITEM and not excused and wait.subject not in owed:
            return f"{order}: {wait.subject} has shipped, but is neither booked, owed nor waited for"
    for signal in result.standing:
        if signal.kind == "regression" and not _is_known(inspection, signal.kind, signal.subject):
            return f"{signal.text}; no problem tells of it"
    return None


def _is_known(inspection: Inspection, kind: str, subject: str) -> bool:
    return bool(inspection.view.find(Problem, {"kind": kind, "subject": subject, "state": _KNOWN}, most=1))


def waiting(inspection: Inspection) -> Iterator[str | None]:
    """Promise 9: nothing waits for what is there; an order whose cause to wait has gone is due, or waits no more."""
    for state, result in inspection.evaluated():
        for wait in state.waits if result is not None else ():
            justified = result is None or wait in result.state.waits
            if wait.kind is WaitKind.ITEM and result is not None:
                justified = bool(result.shortages) or any(w.kind is WaitKind.ITEM for w in result.state.waits)
            what = f"{name(state.order)} waits for {wait.kind} {wait.subject}".rstrip()
            yield None if justified else f"{what}, which is no reason any more, and it is not due"


def kits(inspection: Inspection) -> Iterator[str | None]:
    """Promise 5: a kit line and its component lines never both consume, nor finished kits and components for one piece.

    Where an edit left a ``stocked-first`` group with fewer kits than were booked, a problem must tell of it.
    """
    for state, catalogue in inspection.orders():
        policy = inspection.desk.policies.rules_for(state.order.channel).kits
        readings = read_lines(state.lines, catalogue, policy).lines
        twice = counted_twice(readings, state.takes, catalogue)
        consuming = {line.number for line in state.lines if line.binding is not None and line.binding.parts}
        heads = {reading.line.number for reading in readings if reading.how is How.STOCKED_FIRST}
        for reading in readings:
            line = reading.line
            both = reading.group not in heads | {line.number} and {line.number, reading.group} <= consuming
            if both:
                yield f"{name(state.order)}: kit line and component line {line.item_index} both consume"
            elif line.number in twice and not _regressed(inspection, readings, line.number):
                kits = f"kits of line {line.item_index} are consumed both finished and as components"
                yield f"{name(state.order)}: {kits}, {text(twice[line.number])} more than there ever were"
            else:
                yield None


def _regressed(inspection: Inspection, readings: Sequence[Reading], group: int) -> bool:
    """Tell whether a problem tells that more is booked for some line of a group than the store allows."""
    lines = (reading.line for reading in readings if reading.group == group)
    subjects = (f"{line.account}/{line.order_id}/{line.item_index}" for line in lines)
    return any(_is_known(inspection, "regression", subject) for subject in subjects)


def plans(inspection: Inspection) -> Iterator[str | None]:
    """Promise 7: what a plan took was offered, never more than that or than was needed, and is what was moved."""
    view = inspection.view
    for page in pages(view, Allocation):
        moved: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for account in {row.account for row in page}:
            orders = frozenset(row.order_id for row in page if row.account == account)
            for movements in pages(view, Movement, {"account": account, "order_id": orders}):
                for movement in movements:
                    if movement.allocation_id is not None:
                        moved[movement.allocation_id][movement.unit_id] -= movement.quantity
        for allocation in page:
            wrong = _unsound(allocation, moved[allocation.id])
            yield None if wrong is None else f"allocation {allocation.id} of order {allocation.order_id}: {wrong}"


def _unsound(allocation: Allocation, moved: Counter[int]) -> str | None:
    trace = allocation.trace
    taken = {unit.unit_id: unit.taken for unit in trace.taken}
    total = sum(taken.values())
    if len(taken) != len(trace.taken) or len(taken) > trace.offered:
        return f"{len(trace.taken)} takes of {len(taken)} units where {trace.offered} were offered"
    for unit in trace.taken:
        if not 0 < unit.taken <= unit.available:
            return f"took {text(unit.taken)} of unit {unit.unit_id}, which had {text(unit.available)}"
    if total != allocation.taken or total > allocation.need:
        return f"the takes sum to {text(total)}, noted are {text(allocation.taken)} of {text(allocation.need)} needed"
    if taken != moved:
        return "the movements are not what the plan took"
    return None
