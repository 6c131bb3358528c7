"""A copy of the whole store to start again from, made while the daemon runs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stockhook.model import Delivery, Movement, Order, Unit
from stockhook.operations.desk import Desk
from stockhook.store import Progress, untold


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the store, of ``size`` bytes.

    The counts are of what was there when the copy began: all of it is in the copy, and of what came meanwhile, some
    may be. ``options`` are those of ``[store]`` that start on the copy.
    """

    path: Path
    size: int
    began_at: datetime
    seconds: float
    deliveries: int
    orders: int
    units: int
    movements: int
    options: Mapping[str, str]


def back_up(desk: Desk, path: Path, progress: Progress = untold) -> Backup:
    """Copy the store to a new file; ``progress`` hears bytes. Raises Refused where that cannot be (design.md 8)."""
    began_at, began = desk.clock.now(), time.monotonic()
    with desk.store.read() as view:
        deliveries, orders, units, movements = (
            sum(total.count for total in view.totals(record)) for record in (Delivery, Order, Unit, Movement)
        )
    options = desk.store.backup(path, progress)
    seconds = time.monotonic() - began
    size = path.stat().st_size
    return Backup(path.absolute(), size, began_at, seconds, deliveries, orders, units, movements, options)
