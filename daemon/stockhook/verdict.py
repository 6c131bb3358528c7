"""What became of an event: its state, the reason, and one sentence for a person (design.md section 8)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stockhook.draft import Draft
from stockhook.model import EventState, MovementKind, WaitKind, fold
from stockhook.model.told import INSUFFICIENT, UNKNOWN_ITEM
from stockhook.quantity import ONE, Quantity, text, times
from stockhook.shortage import still_open
from stockhook.target import Shipped, Target

Verdict = tuple[EventState, str | None, str]

_WAITS = (
    (WaitKind.ITEM, INSUFFICIENT, "waits until all of the order can be covered: {subject} is short"),
    (WaitKind.CODE, UNKNOWN_ITEM, "waits until {subject} is mapped to an item"),
    (WaitKind.FACTS, None, "waits for a snapshot that says more ({subject})"),
    (WaitKind.PERSON, "line-conflict", "line {subject} now means another item and waits for a ruling"),
)

_LEFT_OUT = {
    "test-order": "a test order moves no stock",
    "before-start": "shipped before the channel's since: already out of the opening stock",
    "other-warehouse": "shipped by a distribution center that is ignored",
}


def verdict(draft: Draft, aims: Sequence[Target], shipped: Shipped) -> Verdict:
    """Return the state, reason and words of an evaluation whose booking is drafted."""
    owed = still_open(draft.rows.values())
    if owed or draft.waits:
        consumed = any(take.remaining for take in draft.takes)
        reason, words = _waiting(draft, owed)
        return (EventState.SHORT if consumed else EventState.PARKED), reason, words
    done = _booked(draft)
    beside = _refunded(draft, aims)
    if done:
        return EventState.APPLIED, None, "; ".join(done + beside)
    if shipped is Shipped.NOT or not any(aim.shipped for aim in aims):
        return EventState.IGNORED, "not-a-shipment", "nothing of the order is said to have shipped"
    if any(aim.units for aim in aims):
        return EventState.APPLIED, None, "; ".join(["all that shipped was booked before", *beside])
    for aim in aims:
        if aim.reason is not None:
            return EventState.IGNORED, aim.reason, _LEFT_OUT[aim.reason]
    return EventState.APPLIED, None, "all of it was refunded before it shipped: no stock moves"


def _waiting(draft: Draft, owed: Quantity) -> tuple[str, str]:
    reason = INSUFFICIENT
    parts = []
    written = {fold(line.code): line.code for line in draft.state.lines}
    for kind, why, words in _WAITS:
        subjects = [written.get(wait.subject, wait.subject) for wait in draft.waits if wait.kind is kind]
        if subjects:
            reason = why if why is not None else subjects[0]
            parts.append(words.format(subject=", ".join(subjects)))
    if owed:
        skus = sorted({row.sku for row in draft.rows.values() if row.open})
        parts.append(f"{text(owed)} of {', '.join(skus)} could not be found in stock")
    return reason, "; ".join(parts)


def _booked(draft: Draft) -> list[str]:
    """Return in words what was booked of goods; what was only owed, and is no more, is no goods."""
    suspense = {take.unit_id for take in draft.takes if take.suspense}
    taken: defaultdict[str, Quantity] = defaultdict(int)
    returned: defaultdict[str, Quantity] = defaultdict(int)
    ended: defaultdict[str, Quantity] = defaultdict(int)
    for movement in draft.movements:
        if movement.kind is MovementKind.RETURN:
            returned[movement.sku] += movement.quantity
        elif movement.kind is MovementKind.COUNT:
            ended[movement.sku] += movement.quantity
        elif movement.unit_id not in suspense:
            taken[movement.sku] -= movement.quantity
    before = {row.id: row.counted for row in draft.state.shortages}
    for row in draft.changed_rows.values():
        ended[row.sku] += row.counted - before.get(row.id, 0)
    gone = {sku: quantity for sku, quantity in ended.items() if quantity > 0}
    words = [f"booked {_listed(taken)}"] if taken else []
    words += [f"{_listed(returned)} came back"] if returned else []
    return words + ([f"{_listed(gone)} had left before the shelf was counted: the count stands"] if gone else [])


def _listed(amounts: Mapping[str, Quantity]) -> str:
    return ", ".join(f"{text(quantity)} of {sku}" for sku, quantity in amounts.items())


def _refunded(draft: Draft, aims: Sequence[Target]) -> list[str]:
    """Return what was refunded after it had left and has not come back, with what a person does if it did."""
    words = []
    for aim in aims:
        line, parts = aim.reading.line, aim.reading.parts or ()
        missing = []
        for part in parts if aim.refunded else ():
            each = part.quantity if len(parts) == 1 else ONE  # a person counts in items, of several in the line's units
            out = min(times(aim.refunded, part.quantity), draft.consumed(line, part.sku))
            missing.append(max(out - draft.returned(line, part.sku), 0) * each // part.quantity)
        if any(missing):
            correct = f"`stockhook orders correct {line.order_id} {line.item_index} --returned {text(max(missing))}`"
            words.append(
                f"{text(max(missing))} of {line.code} refunded after shipping: nothing comes back by itself; if it "
                f"did, {correct}"
            )
    return words
