"""What could not be covered: the arithmetic of shortage rows (strategies.md section 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stockhook.model import Shortage
from stockhook.quantity import Quantity
from stockhook.record import replace


@dataclass(frozen=True, slots=True)
class Lack:
    """Where a shortage is: one item of one line of one order."""

    account: str
    order_id: str
    line: int
    sku: str


def still_open(rows: Iterable[Shortage]) -> Quantity:
    """Return how much is owed."""
    return sum(row.open for row in rows)


def waived(rows: Iterable[Shortage]) -> Quantity:
    """Return how much was closed without goods."""
    return sum(row.waived for row in rows)


def change(
    rows: Sequence[Shortage], lack: Lack, *, owed: Quantity, settled: Quantity, new_id: int, now: datetime
) -> list[Shortage]:
    """Return the rows that change so that ``owed`` is open, oldest first; ``settled`` of the difference was booked.

    More than before grows the open row, or opens one with ``new_id``. Less closes rows, oldest first: what was not
    settled by goods was withdrawn by the store.
    """
    grown = owed - still_open(rows)
    current = [row for row in rows if row.open]
    if grown > 0:
        if current:
            last = current[-1]
            return [replace(last, quantity=last.quantity + grown, open=last.open + grown)]
        return [Shortage(new_id, lack.account, lack.order_id, lack.line, lack.sku, grown, grown, now)]
    changed: list[Shortage] = []
    left, by_goods = -grown, settled
    for row in current:
        part = min(row.open, left)
        if not part:
            break
        goods = min(part, by_goods)
        left, by_goods = left - part, by_goods - goods
        changed.append(
            replace(row, open=row.open - part, settled=row.settled + goods, withdrawn=row.withdrawn + part - goods)
        )
    return changed


def withdrawn(rows: Sequence[Shortage], most: Quantity) -> list[Shortage]:
    """Return the rows that change, newest first, when at most ``most`` of what was closed without goods is withdrawn.

    A person says that it has not left: then there was nothing to waive, and nothing that a count could have ended.
    """
    changed: list[Shortage] = []
    left = most
    for row in reversed(rows):
        counted = min(row.counted, left)
        waived = min(row.waived, left - counted)
        left -= counted + waived
        gone = counted + waived
        if gone:
            rest = replace(row, counted=row.counted - counted, waived=row.waived - waived)
            changed.append(replace(rest, withdrawn=row.withdrawn + gone))
    return changed
