"""A line in the hands of a person: what it is now, what is to be booked for it, and the commit that does (section 7).

Every correction goes the same way: read the order, prepare reversals and new takes in a draft, change the line, let
the one routine evaluate the order, settle what waits for the goods given back, and book all of it in one commit with
the audit entry. What another process has booked meanwhile makes it void, and it is prepared anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from stockhook import problems
from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.errors import NotFound, Refused
from stockhook.model import Line, Movement, OrderKey, OrderState, Problem, ProblemState, Take, Wait, WaitKind
from stockhook.operations.desk import Desk
from stockhook.operations.orders import find_key
from stockhook.operations.posting import booked, commit, queue, settled
from stockhook.operations.problems import owe_again
from stockhook.operations.words import checked_reason
from stockhook.quantity import Quantity, text
from stockhook.record import replace as changed
from stockhook.rules import ChannelRules
from stockhook.shortage import still_open
from stockhook.store import Read, Work
from stockhook.target import Shipped, Target, aims_of

ACTION = "orders correct"
"""What the audit calls a correction; its subject is ACCOUNT/ORDER."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """The order and its line as they are now, what was done in a sentence, and every movement that did it.

    ``owed`` is what is still owed of the line; ``settled`` are other orders that were looked at for the goods given
    back.
    """

    order: OrderKey
    line: Line
    said: str
    movements: tuple[Movement, ...]
    consumed: Quantity
    returned: Quantity
    owed: Quantity
    settled: tuple[OrderKey, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What a correction comes to beside the draft: lines as they shall be, a sentence, and what the audit keeps.

    ``rules``: it answers what was asked of a person about the line's refunds.
    """

    said: str
    lines: tuple[Line, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    rules: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One line of one order as it was read in one unit of work, and the draft of what is to be booked for it."""

    work: Work
    batch: Batch
    rules: ChannelRules
    state: OrderState
    line: Line
    shipped: Shipped
    aims: tuple[Target, ...]
    draft: Draft
    reason: str

    @property
    def name(self) -> str:
        """What the line is called in what is said of it."""
        return f"line {self.line.item_index} of order {self.state.order.order_id}"

    @property
    def aim(self) -> Target:
        """What the store says of the line."""
        return next(aim for aim in self.aims if aim.reading.line.number == self.line.number)

    def takes(self, sku: str | None = None) -> list[Take]:
        """Return what was taken for the line, or for one item of it: goods not reversed, that have not come back."""
        mine = (take for take in self.draft.takes if take.line == self.line.number and sku in (None, take.sku))
        return [take for take in mine if take.returnable]

    def out(self, sku: str) -> Quantity:
        """Return how much of an item is booked as left for the line, and has not come back."""
        return sum(take.returnable for take in self.takes(sku))

    def applied(self, line: Line, sku: str) -> Quantity:
        """Return how much of an item is booked for a line, with what is owed or was closed without goods."""
        return self.draft.applied(line, sku, owed=True)

    def give_up(self, line: Line, sku: str, surplus: Quantity) -> Quantity:
        """Book so much less of an item for a line, and return what could not be, for it came back already.

        What is owed goes first, then what was closed without goods, for both move no stock; then what was taken, last
        taken first.
        """
        owed = still_open(self.draft.shortages(line, sku))
        part = min(owed, surplus)
        if part:
            self.draft.owe(line, sku, owed=owed - part, settled=0)
        left = surplus - part
        left -= self.draft.withdraw(line, sku, left)
        return left - self.draft.reverse(line, sku, left, self.batch.pool, self.reason)


Correction = Callable[[Case], Decided]
"""Drafts what is to be booked; raises Refused where that must not be."""


def correct(desk: Desk, written: str, item_index: int, reason: str, correction: Correction) -> Corrected:
    """Correct the line ``item_index`` of the order that ``written`` names, in one commit.

    Raises NotFound for an order or a line that is not there, and Refused where the rules do not allow it; nothing is
    changed then.
    """
    desk.refuse_in_shadow("a correction")
    words = checked_reason(reason, "a correction")
    return booked(desk, partial(_correct, desk, written, item_index, words, correction))


def _correct(desk: Desk, written: str, item_index: int, reason: str, correction: Correction, work: Work) -> Corrected:
    key = find_key(work, written)
    skus = _skus(work.orders([key])[key], item_index)
    if skus:
        work.units(skus)  # waits for whoever books these items, so that what they leave owed is among what waits
    waiting = queue(desk, work, skus, but={key})
    batch = Batch(desk.policies, work, [key, *waiting.first], skus=skus)
    case = _case(desk, work, batch, key, item_index, reason)
    outcome = correction(case)
    drafted = len(case.draft.movements)
    said = f"{outcome.said}, by {desk.actor}: {reason}"
    batch.adopt(key, _after(case, outcome, said), case.draft)
    result = batch.again(key, case.draft.cause)
    assert result is not None, "an order that was read is evaluated"
    _require_plan(case.state, result.state, result.text)
    given_back = frozenset(batch.given_back(()))
    evaluated, left = settled(desk, batch, replace(waiting, skus=given_back))
    details = {"line": str(item_index), **outcome.details}
    audit = desk.audit(ACTION, f"{key.account}/{key.order_id}", reason, **details)
    commit(desk, work, batch, [audit], due=left)
    owe_again(work, [key], "is owed")
    if outcome.rules:
        _rule(desk, work, case.line)
    said = outcome.said + _besides(case, result.movements)
    return _corrected(work, key, case.line, said, drafted + len(result.movements), evaluated)


def known_line(state: OrderState, item_index: int) -> Line:
    """Return the line that has this index now; raises NotFound with those that there are."""
    line = next((line for line in state.lines if line.item_index == item_index), None)
    if line is None:
        there = ", ".join(str(line.item_index) for line in state.lines) or "none"
        order = state.order.order_id
        raise NotFound(f"order {order} has no line {item_index}, only {there}; `stockhook orders show {order}`")
    return line


def _skus(state: OrderState, item_index: int) -> set[str]:
    """Return the items of an order, of which the correction of one line may give back those of its kit's others."""
    known_line(state, item_index)
    parts = (part for line in state.lines if line.binding for part in line.binding.parts)
    return {part.sku for part in parts} | {take.sku for take in state.takes}


def _case(desk: Desk, work: Work, batch: Batch, key: OrderKey, item_index: int, reason: str) -> Case:
    state = batch.state(key)
    assert state is not None, "an order that was found is read"
    rules = desk.policies.rules_for(state.order.channel)
    _, shipped, aims = aims_of(state, batch.catalogue, rules)
    draft = Draft(state, Cause(desk.clock.now(), desk.actor), batch.ids)
    line = known_line(state, item_index)
    return Case(work, batch, rules, state, line, shipped, tuple(aims), draft, reason)


def _after(case: Case, outcome: Decided, said: str) -> OrderState:
    lines = {line.number: line for line in outcome.lines}
    state, draft = case.state, case.draft
    return OrderState(
        changed(state.order, history=(*state.order.history, said)),
        tuple(lines.get(line.number, line) for line in state.lines),
        tuple(draft.takes),
        tuple(draft.rows.values()),
        state.waits,
    )


def _require_plan(before: OrderState, after: OrderState, words: str) -> None:
    """Raise Refused where the correction came to nothing because a strategy's plan was refused."""
    refused = {wait for wait in after.waits if wait.kind is WaitKind.STRATEGY}
    if refused - set[Wait](before.waits):
        raise Refused(
            f"{words}; nothing was changed. Correct that strategy, or choose another one in [allocation], and try again"
        )


def _rule(desk: Desk, work: Work, line: Line) -> None:
    """Close what was asked of a person about the line's refunds: nothing but a ruling ends it."""
    found = refund_unclear(work, line)
    if found is not None:
        known = replace(found, state=ProblemState.ACKNOWLEDGED)
        problems.save(work, [known], desk.subscriptions, desk.clock.now())


def refund_unclear(view: Read, line: Line) -> Problem | None:
    """Return the open problem that asks whether what was refunded of a line has left."""
    where = {
        "kind": "refund-unclear",
        "subject": f"{line.account}/{line.order_id}/{line.item_index}",
        "state": ProblemState.OPEN,
    }
    return next(iter(view.find(Problem, where, most=1)), None)


def _corrected(
    work: Work, key: OrderKey, line: Line, said: str, moved: int, evaluated: tuple[OrderKey, ...]
) -> Corrected:
    state = work.orders([key])[key]
    takes = [take for take in state.takes if take.line == line.number]
    mine = {"account": key.account, "order_id": key.order_id}
    return Corrected(
        order=key,
        line=next(now for now in state.lines if now.number == line.number),
        said=said,
        movements=tuple(reversed(work.find(Movement, mine, most=moved))) if moved else (),
        consumed=sum(take.remaining for take in takes if not take.suspense),
        returned=sum(take.returned for take in takes),
        owed=sum(row.open for row in state.shortages if row.line == line.number),
        settled=evaluated,
    )


def _besides(case: Case, movements: Iterable[Movement]) -> str:
    """Return in words what lines beyond the corrected one and its kit had due, and was booked with the correction."""
    group = case.aim.reading.group
    corrected = {aim.reading.line.number for aim in case.aims if aim.reading.group == group}
    booked: Counter[str] = Counter()
    for movement in movements:
        if movement.line not in corrected:
            booked[movement.sku] += movement.quantity
    parts = [f"{'+' if quantity > 0 else ''}{text(quantity)} of {sku}" for sku, quantity in booked.items() if quantity]
    return f"; other lines of the order were due, and booked as well: {', '.join(parts)}" if parts else ""
