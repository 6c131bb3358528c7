"""Checks of orders: what is booked is what is known, kits count once, waits have a reason."""

from collections.abc import Iterator, Sequence
from itertools import count

from stockhook.allocation import Pool
from stockhook.draft import Cause
from stockhook.evaluate import Evaluation, evaluate
from stockhook.groups import counted_twice
from stockhook.kits import Reading, read_lines
from stockhook.model import NEW, Catalogue, How, OrderState, Problem, ProblemState, Stock, WaitKind
from stockhook.operations.verify.inspection import Finding, Inspection, name
from stockhook.operations.verify.takes import takes
from stockhook.quantity import text
from stockhook.shadow import shadowed

_EXCUSES = frozenset({WaitKind.ITEM, WaitKind.STRATEGY})
_KNOWN = frozenset({ProblemState.OPEN, ProblemState.ACKNOWLEDGED})


def orders(inspection: Inspection) -> Iterator[Finding]:
    """Judge all orders, each evaluated anew as if nothing were in stock; those that are due are about to be so."""
    cause = Cause(inspection.desk.clock.now(), inspection.desk.actor)
    policies = inspection.desk.policies
    for state, catalogue in inspection.orders():
        yield "kits", len(state.lines), _kits(inspection, state, catalogue)
        if state.order.due_at is not None:
            yield "difference", 1, None
            yield "waiting", len(state.waits), None
            continue
        rules = policies.rules_for(state.order.channel)
        result = evaluate(state, rules, catalogue, Pool(Stock()), policies.choices, cause=cause, ids=count(NEW))
        yield "difference", 1, takes(state) or _difference(inspection, state, result)
        yield "waiting", len(state.waits), _waiting(state, result)


def _difference(inspection: Inspection, state: OrderState, result: Evaluation) -> str | None:
    """Promise 2: evaluating an order anew, with nothing in stock, finds nothing to book, withdraw or give back.

    One that is parked by its shortage policy or a refused plan may still have something to book, and so may all in
    shadow mode.
    """
    if inspection.desk.policies.shadow:
        result = shadowed(result, state)
    return _given_back(state, result) or _owing(state, result) or _untold(inspection, result)


def _given_back(state: OrderState, result: Evaluation) -> str | None:
    """Judge what would go back; what would be taken is owed, and comes into suspense where ``negative`` is new."""
    suspended = {take.movement_id for take in state.takes if take.suspense}
    for movement in result.movements:
        much = f"{name(state.order)}: {text(movement.quantity)} of {movement.sku} are"
        if movement.reverses in suspended:
            return f"{much} below zero on its suspense unit, but no longer owed"
        if movement.quantity > 0:
            return f"{much} booked, but the store says they have not shipped"
    return None


def _owing(state: OrderState, result: Evaluation) -> str | None:
    """Judge what would be owed, owed no more, or waited for."""
    before = {row.id: row.open for row in state.shortages}
    excused = any(wait.kind in _EXCUSES for wait in state.waits) or _parked_by_code(state)
    for row in result.shortages:
        grown = row.open - before.get(row.id, 0)
        if grown < 0:
            return f"{name(state.order)}: {text(-grown)} of {row.sku} are owed, but nothing asks for them any more"
        if not excused:
            return f"{name(state.order)}: {text(grown)} of {row.sku} have shipped, but are neither booked nor owed"
    owed = {row.sku for row in state.shortages if row.open}
    for wait in result.state.waits:
        if wait.kind is WaitKind.ITEM and not excused and wait.subject not in owed:
            return f"{name(state.order)}: {wait.subject} has shipped, but is neither booked, owed nor waited for"
    return None


def _untold(inspection: Inspection, result: Evaluation) -> str | None:
    """Judge whether a problem tells of what is booked beyond what the store allows."""
    for signal in result.standing:
        if signal.kind == "regression" and not _is_known(inspection, signal.kind, signal.subject):
            return f"{signal.text}; no problem tells of it"
    return None


def _parked_by_code(state: OrderState) -> bool:
    """Tell whether an unknown code holds up all of an order, as it does under the policies ``line`` and ``order``."""
    return any(wait.kind is WaitKind.CODE for wait in state.waits) and not any(take.remaining for take in state.takes)


def _is_known(inspection: Inspection, kind: str, subject: str) -> bool:
    return bool(inspection.view.find(Problem, {"kind": kind, "subject": subject, "state": _KNOWN}, most=1))


def _waiting(state: OrderState, result: Evaluation) -> str | None:
    """Promise 9: nothing waits for what is there; an order whose cause to wait has gone is due, or waits no more."""
    for wait in state.waits:
        justified = wait in result.state.waits
        if wait.kind is WaitKind.ITEM:
            justified = bool(result.shortages) or any(w.kind is WaitKind.ITEM for w in result.state.waits)
        if not justified:
            what = f"{name(state.order)} waits for {wait.kind} {wait.subject}".rstrip()
            return f"{what}, which is no reason any more, and it is not due"
    return None


def _kits(inspection: Inspection, state: OrderState, catalogue: Catalogue) -> str | None:
    """Promise 5: a kit line and its component lines never both consume, nor finished kits and components for one piece.

    Where an edit left a ``stocked-first`` group with fewer kits than were booked, a problem must tell of it.
    """
    bound = {line.number: line.binding for line in state.lines if line.binding is not None}
    if not any(line.component for line in state.lines) and all(each.how is How.PLAIN for each in bound.values()):
        return None
    policy = inspection.desk.policies.rules_for(state.order.channel).kits
    readings = read_lines(state.lines, catalogue, policy).lines
    twice = counted_twice(readings, state.takes, catalogue)
    consuming = {number for number, binding in bound.items() if binding.parts}
    heads = {reading.line.number for reading in readings if reading.how is How.STOCKED_FIRST}
    for reading in readings:
        line = reading.line
        if reading.group not in heads | {line.number} and {line.number, reading.group} <= consuming:
            return f"{name(state.order)}: kit line and component line {line.item_index} both consume"
        if line.number in twice and not _regressed(inspection, readings, line.number):
            kits = f"kits of line {line.item_index} are consumed both finished and as components"
            return f"{name(state.order)}: {kits}, {text(twice[line.number])} more than there ever were"
    return None


def _regressed(inspection: Inspection, readings: Sequence[Reading], group: int) -> bool:
    """Tell whether a problem tells that more is booked for some line of a group than the store allows."""
    lines = (reading.line for reading in readings if reading.group == group)
    subjects = (f"{line.account}/{line.order_id}/{line.item_index}" for line in lines)
    return any(_is_known(inspection, "regression", subject) for subject in subjects)
