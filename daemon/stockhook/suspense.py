"""What is owed under the policy ``negative``, mirrored on the items' suspense units (strategies.md section 5).

The goods have left though the book never had them. An open shortage says so as under ``partial``, and settles, is
waived or is withdrawn like any other; beside it the ledger shows the same quantity below zero, on one unit of the item
that is no goods and is never offered. When goods come they are consumed from the units that hold them, and as much is
taken off here: so a recall finds the order by the real lot.
"""

from collections import Counter

from stockhook.allocation import Pool
from stockhook.draft import Draft
from stockhook.model import OrderState
from stockhook.quantity import Quantity
from stockhook.rules import ShortagePolicy


def mirror(draft: Draft, pool: Pool, policy: ShortagePolicy) -> None:
    """Make what is in suspense for each line what is owed to it; under another policy: at most that."""
    if policy is not ShortagePolicy.NEGATIVE and not any(take.suspended for take in draft.takes):
        return
    lines = {line.number: line for line in draft.state.lines}
    for (number, sku), surplus in sorted(amiss(draft).items()):
        if surplus > 0:
            draft.release(lines[number], sku, surplus)
        elif policy is ShortagePolicy.NEGATIVE:
            draft.suspend(lines[number], sku, -surplus, pool)


def amiss(booked: OrderState | Draft) -> dict[tuple[int, str], Quantity]:
    """Return by (line number, sku) how much more is in suspense than is owed, below zero: how much less."""
    rows = booked.rows.values() if isinstance(booked, Draft) else booked.shortages
    surplus: Counter[tuple[int, str]] = Counter()
    for take in booked.takes:
        surplus[take.line, take.sku] += take.suspended
    for row in rows:
        surplus[row.line, row.sku] -= row.open
    return {key: quantity for key, quantity in surplus.items() if quantity}
