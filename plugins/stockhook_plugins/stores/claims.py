"""What the units of work of one process are at, for stores that one daemon at a time works on."""

import threading
from collections.abc import Collection
from typing import Any

from stockhook.plugin import Due, model


class Claims:
    """The deliveries (by id) and orders (by key) that some unit of work has taken."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.taken: set[Any] = set()

    def take(self, due: Due, mine: set[Any], most: int) -> Due:
        """Take what is due and not taken, at most so many of each, add it to ``mine``, and return it."""
        with self.mutex:
            orders = tuple([key for key in due.orders if key not in self.taken][:most])
            deliveries = tuple([row for row in due.deliveries if row.id not in self.taken][:most])
            mine.update(orders, (row.id for row in deliveries))
            self.taken |= mine
        return Due(orders, deliveries)

    def hold(self, keys: Collection[model.OrderKey], mine: set[Any]) -> frozenset[model.OrderKey]:
        """Take these orders, add them to ``mine``, and return those that are taken by others."""
        with self.mutex:
            elsewhere = frozenset(keys) & (self.taken - mine)
            mine.update(set(keys) - elsewhere)
            self.taken |= mine
        return elsewhere

    def release(self, mine: set[Any]) -> None:
        """Give back what one unit of work had taken."""
        with self.mutex:
            self.taken -= mine
