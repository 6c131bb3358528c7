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


def without_goods(rows: Iterable[Shortage]) -> Quantity:
    """Return how much was closed without goods: waived by a person, or ended by a count."""
    return sum(row.waived + row.counted for row in rows)


def change(
    rows: Sequence[Shortage],
    lack: Lack,
    *,
    owed: Quantity,
    settled: Quantity,
    counted: Quantity = 0,
    new_id: int,
    now: datetime,
) -> list[Shortage]:
    """Return the rows that change so that ``owed`` is open, oldest first; ``settled`` of the difference was booked.

    More than before grows the open row, or opens one with ``new_id``. Less closes rows, oldest first: what was neither
    settled by goods nor ``counted`` was withdrawn by the store. What was counted beyond that has never been open: the
    goods were gone before a count that was booked already.
    """
    current = [row for row in rows if row.open]
    left, by_goods, by_count = still_open(rows) - owed, settled, counted
    changed: list[Shortage] = []
    for row in current if left > 0 else ():
        part = min(row.open, left)
        if not part:
            break
        goods = min(part, by_goods)
        ended = min(part - goods, by_count)
        left, by_goods, by_count = left - part, by_goods - goods, by_count - ended
        changed.append(
            replace(
                row,
                open=row.open - part,
                settled=row.settled + goods,
                counted=row.counted + ended,
                withdrawn=row.withdrawn + part - goods - ended,
            )
        )
    grown = max(-left, 0)
    if grown or by_count:
        new = Shortage(new_id, lack.account, lack.order_id, lack.line, lack.sku, 0, 0, now)
        last = (changed or current or [new])[-1]
        quantity = last.quantity + grown + by_count
        grown_row = replace(last, quantity=quantity, open=last.open + grown, counted=last.counted + by_count)
        changed = [*changed[:-1], grown_row]
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
