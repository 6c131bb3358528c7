"""What a person does about problems: see them, acknowledge one, waive what will never be covered, take it back."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from stockhook import problems
from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.errors import Refused
from stockhook.model import Audit, Event, EventState, OrderKey, Problem, ProblemState, Shortage, Wait, WaitKind
from stockhook.model.told import INSUFFICIENT, UNKNOWN_ITEM
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Moved, booked, commit
from stockhook.operations.records import known
from stockhook.operations.words import checked_reason
from stockhook.quantity import Quantity, counted, parse, text
from stockhook.store import FOREVER, Match, Range, Read, Work

_WAIVE, _REOPEN = "problems waive", "problems reopen"
_ROW: Final = "shortage "


@dataclass(frozen=True, slots=True)
class Waived:
    """The problem as it is now, how much was closed without goods (or opened again), of which orders, what is owed.

    ``taken`` is by item what there was for these orders, and was booked with it.
    """

    problem: Problem
    quantity: Quantity
    orders: tuple[OrderKey, ...]
    owed: Quantity
    taken: Mapping[str, Quantity] = field(default_factory=dict)


def list_problems(
    desk: Desk, state: ProblemState | None = ProblemState.OPEN, kind: str | None = None, most: int = 1000
) -> list[Problem]:
    """Return problems, newest first, each ``stated`` for who is to end it: those of one state, or (None) all."""
    where: dict[str, Match] = {}
    if state is not None:
        where["state"] = state
    if kind is not None:
        where["kind"] = kind
    with desk.store.read() as view:
        return [problems.stated(view, problem) for problem in view.find(Problem, where, most=most)]


def unknown_code(problem: Problem) -> str:
    """Return the code that a problem `unknown-item` is about; raises Refused for a problem of another kind."""
    if problem.kind != UNKNOWN_ITEM:
        raise Refused(f"problem {problem.id} is of the kind {problem.kind}; only one of {UNKNOWN_ITEM} is about a code")
    return problem.subject.removeprefix(f"{problem.account}/")


def acknowledge(desk: Desk, problem_id: int) -> Problem:
    """Close an open problem by a person's word; its orders and shortages stay as they are.

    Raises NotFound, and Refused for a problem that is not open.
    """
    with desk.store.read() as view:
        found = known(view, Problem, problem_id)
    with desk.changing("problems acknowledge", _name(found), kind=found.kind, about=found.subject) as work:
        problem = known(work, Problem, problem_id)
        if problem.state is ProblemState.ACKNOWLEDGED:
            raise Refused(f"problem {problem_id} was acknowledged before")
        if problem.state is ProblemState.CLOSED:
            raise Refused(
                f"problem {problem_id} has closed by itself: its cause is gone, there is nothing to acknowledge"
            )
        closed = replace(problem, state=ProblemState.ACKNOWLEDGED)
        problems.save(work, [closed], desk.subscriptions, desk.clock.now())
    return closed


def waive(desk: Desk, problem_id: int, quantity: Quantity | None, reason: str) -> Waived:
    """Close open shortages of an insufficient-inventory problem without goods, oldest first; None: all of them.

    Closes the problem when nothing is owed any more. Raises Refused for another kind of problem, where nothing is
    owed, or where less is owed than is to be waived.
    """
    words = checked_reason(reason, "waiving")
    if quantity is not None and quantity <= 0:
        raise Refused(f"{text(quantity)} cannot be waived; give a quantity above 0")

    def choose(work: Work, problem: Problem) -> list[_Pair]:
        if problem.kind != INSUFFICIENT:
            raise Refused(
                f"problem {problem_id} is of the kind {problem.kind}; only what is owed ({INSUFFICIENT}) can be waived."
                " `stockhook problems acknowledge` closes it"
            )
        rows = _open(work, problem.subject)
        owed = sum(row.open for row in rows)
        if not owed:
            raise Refused(f"nothing is owed of {problem.subject}{_who_waits(work, problem.subject)}")
        if quantity is not None and quantity > owed:
            raise Refused(f"{text(owed)} of {problem.subject} are owed, not {text(quantity)}; nothing was waived")
        left = owed if quantity is None else quantity
        chosen = []
        for row in rows:
            part = min(left, row.open)
            left -= part
            if part:
                closed = replace(row, open=row.open - part, waived=row.waived + part, reason=words, actor=desk.actor)
                chosen.append((row, closed))
        return chosen

    return _change(desk, problem_id, _WAIVE, words, choose, _close)


def waived(view: Read, problem: Problem) -> Quantity:
    """Return how much was waived by way of a problem and can be taken back."""
    return sum(part for _, part in _returnable(view, problem))


def reopen(desk: Desk, problem_id: int) -> Waived:
    """Take back what was waived by way of this problem, and open it again if its cause stands.

    Raises Refused where there is nothing to take back and nothing to open.
    """

    def choose(work: Work, problem: Problem) -> list[_Pair]:
        chosen = []
        for row, part in _returnable(work, problem):
            left = row.waived - part
            reason = row.reason if left else None
            chosen.append((row, replace(row, open=row.open + part, waived=left, reason=reason, actor=desk.actor)))
        if not chosen:
            _refuse_pointless(work, problem)
        return chosen

    return _change(desk, problem_id, _REOPEN, None, choose, _open_again)


_Pair = tuple[Shortage, Shortage]
_Choice = Callable[[Work, Problem], list[_Pair]]
_Restate = Callable[[Work, Problem, datetime], Problem]


def _change(desk: Desk, problem_id: int, action: str, reason: str | None, choose: _Choice, restate: _Restate) -> Waived:
    """Book the shortages that ``choose`` changes, each with its order, and the problem as ``restate`` leaves it."""

    def attempt(work: Work) -> Waived:
        return _changed(desk, work, known(work, Problem, problem_id), action, reason, choose, restate)

    return booked(desk, attempt)


def _changed(
    desk: Desk, work: Work, problem: Problem, action: str, reason: str | None, choose: _Choice, restate: _Restate
) -> Waived:
    now = desk.clock.now()
    chosen = choose(work, problem)
    keys = tuple(dict.fromkeys(OrderKey(after.account, after.order_id) for _, after in chosen))
    batch = Batch(desk.policies, work, keys)
    taken: Counter[str] = Counter()
    for key in keys:
        mine = [pair for pair in chosen if (pair[1].account, pair[1].order_id) == key]
        _adopt(desk, batch, key, mine, reason)
        result = batch.again(key, Cause(now, desk.actor))
        for plan in result.allocations if result else ():
            taken[plan.sku] += plan.taken
    moved = {f"{_ROW}{after.id}": text(after.waived - before.waived) for before, after in chosen}
    commit(desk, work, batch, [desk.audit(action, _name(problem), reason, **moved)])
    if action == _REOPEN:
        owe_again(work, keys, "is owed again")
    problem = known(work, Problem, problem.id)
    after = restate(work, problem, now)
    if after != problem:
        problems.save(work, [after], desk.subscriptions, now)
    owed = sum(row.open for row in _open(work, problem.subject)) if problem.kind == INSUFFICIENT else 0
    return Waived(after, sum(abs(after.waived - before.waived) for before, after in chosen), keys, owed, taken)


def _adopt(desk: Desk, batch: Batch, key: OrderKey, chosen: list[_Pair], reason: str | None) -> None:
    """Put changed shortages into an order of the batch, with a sentence each in its history.

    Raises Moved where one is no longer as it was chosen: the version at the booking is that of the order as the
    batch has read it, and protects nothing that was read before.
    """
    state = batch.state(key)
    assert state is not None, "a shortage without its order"
    known = {row.id: row for row in state.shortages}
    if any(known.get(before.id) != before for before, _ in chosen):
        raise Moved
    draft = Draft(state, Cause(desk.clock.now(), desk.actor), batch.ids)
    for _, after in chosen:
        draft.keep(after)
    history = (_in_words(before, after, reason) for before, after in chosen)
    order = replace(state.order, history=(*state.order.history, *history))
    batch.adopt(key, replace(state, order=order, shortages=tuple(draft.rows.values())), draft)


def owe_again(work: Work, keys: Collection[OrderKey], words: str) -> None:
    """Have the newest applied event of each order say what is owed: by a person's word, for no event came."""
    for key, state in work.orders(keys).items():
        where = {"account": key.account, "order_id": key.order_id, "state": EventState.APPLIED}
        newest = work.find(Event, where, most=1)
        owed = [row for row in state.shortages if row.open]
        if newest and owed:
            what = ", ".join(f"{text(row.open)} of {row.sku}" for row in owed)
            short = EventState.SHORT if any(take.remaining for take in state.takes) else EventState.PARKED
            work.save([replace(newest[0], state=short, reason=INSUFFICIENT, text=f"{what} {words}")])


def _in_words(before: Shortage, after: Shortage, reason: str | None) -> str:
    waived = after.waived - before.waived
    if waived > 0:
        return f"waived {text(waived)} of {after.sku} that was owed: {reason}"
    return f"took back the waiving of {text(-waived)} of {after.sku}: it is owed again"


def _close(work: Work, problem: Problem, now: datetime) -> Problem:
    if problem.state is ProblemState.OPEN and problems.cause_gone(work, problem):
        return replace(problem, state=ProblemState.CLOSED, last_seen=now)
    return problem


def _open_again(work: Work, problem: Problem, now: datetime) -> Problem:
    if problem.state is ProblemState.OPEN or _other_open(work, problem):
        return problem
    if problem.kind in problems.CAUSED and problems.cause_gone(work, problem):
        return problem  # what was owed again was in stock, and has been taken
    words = problems.what_stands(work, problem)  # it may have settled in part before the rest of it was waived
    return replace(problem, state=ProblemState.OPEN, last_seen=now, text=words)


def _refuse_pointless(work: Work, problem: Problem) -> None:
    """Raise Refused where reopening would neither take anything back nor tell of anything that stands."""
    if problem.state is ProblemState.OPEN:
        raise Refused(f"problem {problem.id} is open, and nothing of it was waived: there is nothing to take back")
    other = _other_open(work, problem)
    if other is not None:
        raise Refused(f"problem {other.id} is open for the same cause; there is nothing to take back of {problem.id}")
    if problem.kind in problems.CAUSED and problems.cause_gone(work, problem):
        raise Refused(f"nothing waits for {problem.subject} any more; problem {problem.id} stays {problem.state}")


def _other_open(work: Read, problem: Problem) -> Problem | None:
    where = {"kind": problem.kind, "subject": problem.subject, "state": ProblemState.OPEN}
    return next((other for other in work.find(Problem, where) if other.id != problem.id), None)


def _returnable(view: Read, problem: Problem) -> list[tuple[Shortage, Quantity]]:
    """Return the shortages of which something was waived by way of a problem, oldest first, and how much of each."""
    mine = _waived(view, problem)
    rows = view.find(Shortage, {"id": frozenset(mine)}, most=FOREVER) if mine else []
    parts = ((row, min(mine[row.id], row.waived)) for row in sorted(rows, key=lambda row: row.id))
    return [(row, part) for row, part in parts if part]


def _waived(work: Read, problem: Problem) -> dict[int, Quantity]:
    """Return how much of each shortage was waived by way of a problem and not taken back, by the audit."""
    waived: Counter[int] = Counter()
    for action in (_WAIVE, _REOPEN):
        for entry in work.find(Audit, {"action": action, "subject": _name(problem)}, most=FOREVER):
            for name, quantity in entry.details.items():
                if name.startswith(_ROW):
                    waived[int(name.removeprefix(_ROW))] += parse(quantity)
    return {shortage: quantity for shortage, quantity in waived.items() if quantity > 0}


def _open(work: Read, sku: str) -> list[Shortage]:
    """Return the open shortages of an item, oldest first."""
    found = work.find(Shortage, {"sku": sku, "open": Range(low=1)}, most=FOREVER)
    return sorted(found, key=lambda row: (row.opened_at, row.id))


def _who_waits(work: Read, sku: str) -> str:
    waits = work.find(Wait, {"kind": WaitKind.ITEM, "subject": sku}, most=FOREVER)
    if not waits:
        return ""
    names = ", ".join(wait.order_id for wait in waits[:3])
    orders = counted(len(waits), "order", "orders")
    wait = "waits" if len(waits) == 1 else "wait"
    return f"; {orders} ({names}) {wait} until all of it can be covered, which cannot be waived"


def _name(problem: Problem) -> str:
    return f"problem {problem.id}"
