"""A check of the problems: each that is open has a cause, and each cause has a problem."""

from collections.abc import Iterator

from stockhook import problems as rules
from stockhook.model import Problem, ProblemState, Shortage, Wait, WaitKind, fold
from stockhook.model.told import INSUFFICIENT, UNKNOWN_ITEM
from stockhook.operations.due import every
from stockhook.operations.verify.inspection import Finding, Inspection
from stockhook.store import Range

_KNOWN = frozenset({ProblemState.OPEN, ProblemState.ACKNOWLEDGED})


def problems(inspection: Inspection) -> Iterator[Finding]:
    """Judge all open problems, and all causes of problems."""
    for found in _problems(inspection):
        yield "problems", 1, found


def _problems(inspection: Inspection) -> Iterator[str | None]:
    """Promise 9: shortages and unknown items are told while they last, and no longer."""
    view = inspection.view
    known = set()
    for problem in every(view, Problem, {"state": _KNOWN, "kind": frozenset({INSUFFICIENT, UNKNOWN_ITEM})}):
        known.add((problem.kind, fold(problem.subject)))
        if problem.state is ProblemState.OPEN:
            pointless = rules.cause_gone(view, problem)
            yield (
                f"problem {problem.id} ({problem.kind}, {problem.subject}) is open without a cause"
                if pointless
                else None
            )
    owed = view.totals(Shortage, by=("sku",), where={"open": Range(low=1)})
    waits = view.totals(Wait, by=("kind", "account", "subject"))
    causes = {(INSUFFICIENT, str(total.by[0])) for total in owed}
    causes |= {(INSUFFICIENT, str(subject)) for kind, _, subject in (t.by for t in waits) if kind == WaitKind.ITEM}
    causes |= {
        (UNKNOWN_ITEM, f"{account}/{code}") for kind, account, code in (t.by for t in waits) if kind == WaitKind.CODE
    }
    for kind, subject in sorted(causes):
        yield None if (kind, fold(subject)) in known else f"no problem tells of {kind} {subject}"
