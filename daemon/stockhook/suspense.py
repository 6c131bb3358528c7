"""What is owed under the policy ``negative``, mirrored on the items' suspense units (strategies.md section 5).

The goods have left though the book never had them. An open shortage says so as under ``partial``, and settles, is
waived or is withdrawn like any other; beside it the ledger shows the same quantity below zero, on one unit of the item
that is no goods and is never offered. When goods come they are consumed from the units that hold them, and as much is
taken off here: so a recall finds the order by the real lot.
"""

from collections import Counter

from stockhook.allocation import Pool
from stockhook.draft import Draft
from stockhook.rules import ShortagePolicy


def mirror(draft: Draft, pool: Pool, policy: ShortagePolicy) -> None:
    """Make what is in suspense for each line what is owed to it; under another policy: at most that."""
    there: Counter[tuple[int, str]] = Counter()
    owed: Counter[tuple[int, str]] = Counter()
    for take in draft.takes:
        if take.suspended:
            there[take.line, take.sku] += take.suspended
    if not there and policy is not ShortagePolicy.NEGATIVE:
        return
    for row in draft.rows.values():
        owed[row.line, row.sku] += row.open
    lines = {line.number: line for line in draft.state.lines}
    for key in sorted({*there, *owed}):
        line, sku = lines[key[0]], key[1]
        if owed[key] > there[key] and policy is ShortagePolicy.NEGATIVE:
            draft.suspend(line, sku, owed[key] - there[key], pool)
        elif owed[key] < there[key]:
            draft.release(line, sku, there[key] - owed[key])
