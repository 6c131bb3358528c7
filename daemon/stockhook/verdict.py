"""What became of an event: its state, the reason, and one sentence for a person (design.md section 8)."""

from collections.abc import Sequence

from stockhook.draft import Draft
from stockhook.model import EventState, WaitKind, fold
from stockhook.quantity import Quantity, text
from stockhook.shortage import still_open
from stockhook.target import Shipped, Target

Verdict = tuple[EventState, str | None, str]

_WAITS = (
    (WaitKind.ITEM, "insufficient-inventory", "waits until all of the order can be covered: {subject} is short"),
    (WaitKind.CODE, "unknown-item", "waits until {subject} is mapped to an item"),
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
    if draft.movements:
        return EventState.APPLIED, None, _booked(draft)
    if shipped is Shipped.NOT or not any(aim.shipped for aim in aims):
        return EventState.IGNORED, "not-a-shipment", "nothing of the order is said to have shipped"
    if any(aim.units for aim in aims):
        return EventState.APPLIED, None, "all that shipped was booked before"
    for aim in aims:
        if aim.reason is not None:
            return EventState.IGNORED, aim.reason, _LEFT_OUT[aim.reason]
    return EventState.APPLIED, None, "all of it was refunded before it shipped: no stock moves"


def _waiting(draft: Draft, owed: Quantity) -> tuple[str, str]:
    reason = "insufficient-inventory"
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


def _booked(draft: Draft) -> str:
    amounts: dict[str, Quantity] = {}
    for movement in draft.movements:
        amounts[movement.sku] = amounts.get(movement.sku, 0) - movement.quantity
    return "booked " + ", ".join(f"{text(quantity)} of {sku}" for sku, quantity in amounts.items())
