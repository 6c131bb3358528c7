"""What is kept for a while and then of no use to anybody."""

from datetime import datetime
from typing import Any

from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.store import Range


def forget_older(desk: Desk, record: type[Any], before: datetime) -> int:
    """Remove the records of a type that has its moment in ``at``, those before this one, and return how many."""
    with desk.store.read() as view:
        old = list(every(view, record, {"at": Range(high=before)}))
    if old:
        with desk.store.write() as work:
            work.forget(old)
    return len(old)
