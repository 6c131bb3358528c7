"""A unit of work on a PostgreSQL database that others work on as well."""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final

from sqlalchemy import Connection

from stockhook.plugin import Due, model
from stockhook_plugins.stores.sqlalchemy.database import rows, rows_of_each
from stockhook_plugins.stores.sqlalchemy.reading import moment_of
from stockhook_plugins.stores.sqlalchemy.rows import json_list, shape
from stockhook_plugins.stores.sqlalchemy.statements import HOLD_ITEMS, TAKE, TAKE_ITEMS, WRITE_ALONE, Statements

_AHEAD: Final = 4  # times as many due orders are looked at as are wanted: the first may be in other hands
_ITEMS: Final = 1024  # numbers that items are locked under; one each would be more than the server has room for
_PATIENCE: Final = 0.5  # seconds; below the second after which PostgreSQL looks for units that wait for each other
_BREATH: Final = 0.02


class ServerUnit:
    """One transaction, and what it keeps from others until its end.

    Deliveries and orders are taken without waiting, items by waiting in the order of their numbers, and the right to
    write last of all; after that nothing is waited for. So no two units can wait for each other. Nothing is kept from
    others that whoever writes must change: an item is locked by a number, not by its row.
    """

    def __init__(self, connection: Connection, sql: Statements) -> None:
        """Take the transaction."""
        self.writing = False
        self._connection = connection
        self._sql = sql
        self._items: set[int] = set()
        self._mine: set[model.OrderKey] = set()
        self._deliveries: set[int] = set()

    def connection(self) -> Connection:
        """Return the transaction; each statement sees what is committed when it begins."""
        return self._connection

    def writer(self, touched: Collection[int] = ()) -> Connection:
        """Return the transaction, from now on the only one to write; ``touched`` are deliveries to be saved."""
        if not self.writing:
            held = [(self._sql.hold_deliveries, [json_list(touched)])] if touched else []
            rows_of_each(self._connection, *held, (WRITE_ALONE, ()))
            self.writing = True
        return self._connection

    def claim(self, now: datetime, most: int) -> Due:
        """Take what is due and nobody else has taken."""
        moment = moment_of(now)
        looked_at = most * _AHEAD + len(self._mine)
        asked = (self._sql.due_orders, [moment, looked_at, 0])
        due, found = rows_of_each(
            self._connection, asked, (self._sql.claim_deliveries, [moment, most + len(self._deliveries), 0])
        )
        free = self._take([key for row in due if (key := model.OrderKey(*row)) not in self._mine], most)
        # what was worked between the look and the lock is due no more
        orders = (
            [key for row in rows(self._connection, *asked) if (key := model.OrderKey(*row)) in free] if free else []
        )
        deliveries = [row for row in shape(model.Delivery).decode_all(found) if row.id not in self._deliveries][:most]
        self._deliveries.update(row.id for row in deliveries)
        return Due(tuple(orders), tuple(deliveries))

    def hold(self, keys: Collection[model.OrderKey]) -> frozenset[model.OrderKey]:
        """Take these orders until the end, and return those that others have taken."""
        wanted = [key for key in keys if key not in self._mine]
        return frozenset(wanted) - self._take(wanted)

    def _take(self, keys: Sequence[model.OrderKey], most: int | None = None) -> set[model.OrderKey]:
        if not keys:
            return set()
        numbers = {_number(key): key for key in keys}
        got = {numbers[number] for (number,) in rows(self._connection, TAKE, [json_list(numbers), most])}
        self._mine |= got
        return got

    def item_versions(self, skus: Collection[str]) -> Mapping[str, int]:
        """Return the versions of these items, and keep others from planning with them until the end.

        Items that are asked for later, out of order, may stay in the hands of others: their versions tell at the
        booking.
        """
        asked = (self._sql.item_versions, [json_list(skus)])
        numbers = set() if self.writing else {_bucket(sku) for sku in skus} - self._items
        if numbers and min(numbers) > max(self._items, default=-1):
            self._items |= numbers
            return dict(rows_of_each(self._connection, (HOLD_ITEMS, [sorted(numbers)]), asked)[1])
        if numbers:
            self._keep(numbers)
        return dict(rows(self._connection, *asked))

    def _keep(self, numbers: set[int]) -> None:
        ends = time.monotonic() + _PATIENCE
        while True:
            got = {number for (number,) in rows(self._connection, TAKE_ITEMS, [sorted(numbers)])}
            self._items |= got
            numbers = numbers - got
            if not numbers or time.monotonic() > ends:
                return
            time.sleep(_BREATH)


def _bucket(sku: str) -> int:
    """Return the number under which an item is locked; some share one."""
    return int.from_bytes(blake2b(sku.encode(errors="surrogatepass"), digest_size=4).digest(), "big") % _ITEMS


def _number(key: model.OrderKey) -> int:
    """Return the number under which an order is locked."""
    words = f"{len(key.account)} {key.account} {key.order_id}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(words, digest_size=8).digest(), "big", signed=True)
