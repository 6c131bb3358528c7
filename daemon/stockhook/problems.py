"""Problems: opened once per cause, counted, closed when the cause is gone; and the notices that tell of them.

All changes of one unit of work are summed in memory and written as one row change per problem (design.md section 9).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from stockhook.draft import Signal
from stockhook.model import (
    Event,
    OrderKey,
    Problem,
    ProblemState,
    Shortage,
    Wait,
    WaitKind,
    fold,
)
from stockhook.model.told import INSUFFICIENT, UNKNOWN_ITEM
from stockhook.outbox import Outbox, Subscription
from stockhook.quantity import counted, text
from stockhook.store import FOREVER, Range, Read, Total, Work

ORDER_KINDS: Final = frozenset(
    {"line-conflict", "regression", "refund-unclear", "shipped-unclear", "rejected-after-shipping", "linked-order"}
)
"""Problems of one order that hold or do not hold after each evaluation of it."""

CAUSED: Final = frozenset({UNKNOWN_ITEM, INSUFFICIENT})
"""Problems that stand as long as something waits for them, or is owed."""

_NAMED: Final = 3
"""How many of the orders that want something are named in a text."""

QUIET: Final = frozenset({"kit-mismatch"})
"""Problems told with each new order that a person, once they have acknowledged one, need not hear of again."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A signal with where it came from; ``event`` is (delivery id, position), since a new event has no id yet."""

    signal: Signal
    channel: str | None = None
    account: str | None = None
    order_id: str | None = None
    event: tuple[int, int] | None = None


@dataclass(slots=True)
class Report:
    """What one unit of work has to tell: new occurrences, what stands per evaluated order, what may have settled."""

    happened: list[Occurrence] = field(default_factory=list)
    standing: dict[OrderKey, list[Occurrence]] = field(default_factory=dict)
    settled: set[tuple[str, str]] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Tell whether there is anything to look at."""
        return bool(self.happened or self.standing or self.settled)


def record(work: Work, report: Report, subscriptions: Mapping[str, Subscription], now: datetime) -> None:
    """Open, count and close problems in ``work``, behind its bookings, and put notices about them in the outbox."""
    if not report:
        return
    opened = _open_problems(work, report)
    changed: dict[tuple[str, str], Problem] = {}
    for occurrence in report.happened:
        key = (occurrence.signal.kind, occurrence.signal.subject)
        known = key in changed or key in opened
        if occurrence.signal.kind in QUIET and not known and _acknowledged(work, occurrence.signal):
            continue
        changed[key] = _counted(work, changed.get(key) or opened.get(key), occurrence, now)
    for order, occurrences in report.standing.items():
        _stand(work, order, occurrences, opened, changed, now)
    _settle(work, report.settled, opened, changed, now)
    save(work, list(changed.values()), subscriptions, now)


def _settle(
    work: Work,
    settled: Iterable[tuple[str, str]],
    opened: Mapping[tuple[str, str], Problem],
    changed: dict[tuple[str, str], Problem],
    now: datetime,
) -> None:
    """Close the problems whose cause has gone; of one that has settled in part, say what there is of it now."""
    restated: list[Problem] = []
    for key in settled:
        problem = changed.get(key) or opened.get(key)
        if problem is None or (key in changed and problem.kind not in CAUSED):
            continue
        if not cause_gone(work, problem):
            stands = replace(problem, text=what_stands(work, problem))
            if key in changed:
                changed[key] = stands
            elif stands != problem:
                restated.append(stands)
        elif problem.id:
            changed[key] = replace(problem, state=ProblemState.CLOSED, last_seen=now)
        else:
            del changed[key]  # it came and went within this unit of work
    if restated:
        work.save(restated)  # that less is owed than was told is no notice to anyone


def save(work: Work, problems: Sequence[Problem], subscriptions: Mapping[str, Subscription], now: datetime) -> None:
    """Save problems that have changed, and put notices about them in the outbox."""
    if not problems:
        return
    work.save(problems)
    outbox = Outbox(work, subscriptions, now)
    for problem in _with_ids(work, problems):
        outbox.tell(problem)
    outbox.save()


def _open_problems(work: Read, report: Report) -> dict[tuple[str, str], Problem]:
    found: list[Problem] = []
    if report.standing:
        orders = frozenset(key.order_id for key in report.standing)
        found += work.find(Problem, {"state": ProblemState.OPEN, "kind": ORDER_KINDS, "order_id": orders}, most=FOREVER)
    keys = {(o.signal.kind, o.signal.subject) for o in report.happened} | report.settled
    if keys:
        where = {
            "state": ProblemState.OPEN,
            "kind": frozenset(kind for kind, _ in keys),
            "subject": frozenset(subject for _, subject in keys),
        }
        found += work.find(Problem, where, most=FOREVER)
    return {(problem.kind, problem.subject): problem for problem in found}


def _counted(work: Read, problem: Problem | None, occurrence: Occurrence, now: datetime) -> Problem:
    signal = occurrence.signal
    event_id = event_id_of(work, occurrence.event) if occurrence.event else None
    if problem is not None:
        return replace(
            problem,
            count=problem.count + 1,
            last_seen=now,
            text=signal.text,
            channel=occurrence.channel,
            account=occurrence.account,
            order_id=occurrence.order_id,
            event_id=event_id,
        )
    return Problem(
        id=0,
        kind=signal.kind,
        subject=signal.subject,
        state=ProblemState.OPEN,
        count=1,
        first_seen=now,
        last_seen=now,
        text=signal.text,
        channel=occurrence.channel,
        account=occurrence.account,
        order_id=occurrence.order_id,
        event_id=event_id,
    )


def event_id_of(view: Read, event: tuple[int, int]) -> int | None:
    """Return the id under which the event of a delivery, at a position, is kept."""
    found = view.find(Event, {"delivery_id": event[0], "position": event[1]}, most=1)
    return found[0].id if found else None


def _stand(
    work: Read,
    order: OrderKey,
    occurrences: Iterable[Occurrence],
    opened: Mapping[tuple[str, str], Problem],
    changed: dict[tuple[str, str], Problem],
    now: datetime,
) -> None:
    """Bring an order's problems in line with those that stand; one that a person acknowledged stays quiet."""
    standing = {(o.signal.kind, o.signal.subject): o for o in occurrences}
    for key, problem in opened.items():
        of_order = (problem.account, problem.order_id) == order and problem.kind in ORDER_KINDS
        if of_order and key not in standing:
            changed[key] = replace(problem, state=ProblemState.CLOSED, last_seen=now)
    for key, occurrence in standing.items():
        known = opened.get(key)
        if known is not None:
            if known.text != occurrence.signal.text:
                changed[key] = _counted(work, known, occurrence, now)
        elif not _acknowledged(work, occurrence.signal):
            changed[key] = _counted(work, None, occurrence, now)


def _acknowledged(work: Read, signal: Signal) -> bool:
    where = {"kind": signal.kind, "subject": signal.subject, "state": ProblemState.ACKNOWLEDGED}
    return any(problem.text == signal.text for problem in work.find(Problem, where))


def cause_gone(work: Read, problem: Problem) -> bool:
    """Tell whether nothing waits for the problem any more; kinds without anything that waits end when they settle."""
    if problem.kind == INSUFFICIENT:
        owed = work.totals(Shortage, where={"sku": problem.subject, "open": Range(low=1)})
        waiting = work.totals(Wait, where={"kind": WaitKind.ITEM, "subject": problem.subject})
        return not _any(owed) and not _any(waiting)
    if problem.kind == UNKNOWN_ITEM:
        account, _, code = problem.subject.partition("/")
        waiting = work.totals(Wait, where={"kind": WaitKind.CODE, "account": account, "subject": fold(code)})
        return not _any(waiting)
    return True


def stated(view: Read, problem: Problem) -> Problem:
    """Return a problem in words for who is to end it.

    What is owed of an item is told with each order that finds too little, of that order alone: before the last of them
    comes what is owed to all, which is what must come in.
    """
    if problem.state is not ProblemState.OPEN or problem.kind != INSUFFICIENT or problem.count == 1:
        return problem
    stands = what_stands(view, problem)
    return problem if stands == problem.text else replace(problem, text=f"{stands}. The last: {problem.text}")


def what_stands(work: Read, problem: Problem) -> str:
    """Return what to say of a problem of which a part has settled: of what was owed, what is owed now."""
    if problem.kind != INSUFFICIENT:
        return problem.text
    by, sku = ("account", "order_id"), problem.subject
    owed = work.totals(Shortage, by, {"sku": sku, "open": Range(low=1)})
    waiting = work.totals(Wait, by, {"kind": WaitKind.ITEM, "subject": sku})
    said = []
    if owed:
        quantity = text(sum(total.amount for total in owed))
        said.append(f"{quantity} of {sku} could not be found, and {_still(quantity)} owed to {_orders(owed)}")
    if waiting:
        wait = "waits" if len(waiting) == 1 else "wait"
        said.append(f"{sku} is short: {_orders(waiting)} {wait} until all of it can be covered")
    return "; ".join(said) or problem.text


def _still(quantity: str) -> str:
    return "is still" if quantity == "1" else "are still"


def _orders(totals: Sequence[Total]) -> str:
    """Return how many orders these are, in words, and the first of them."""
    ids = sorted(str(total.by[1]) for total in totals)
    named = ", ".join([*ids[:_NAMED], *(["..."] if len(ids) > _NAMED else [])])
    return f"{counted(len(ids), 'order', 'orders')} ({named})"


def _any(totals: Sequence[object]) -> bool:
    return any(getattr(total, "count", 0) for total in totals)


def _with_ids(work: Read, problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems as saved: a new one is the newest of its kind and subject."""
    return [
        problem if problem.id else work.find(Problem, {"kind": problem.kind, "subject": problem.subject}, most=1)[0]
        for problem in problems
    ]
