"""What records are named and compared by: order keys, folded codes, placeholders, how new a snapshot is."""

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

NEW: Final = 1 << 62
"""Ids from here on are placeholders of records not yet booked; the store gives them real ids when it books them."""


@lru_cache(maxsize=65_536)
def fold(code: str) -> str:
    """Return the form in which codes, SKUs and lots are compared: trimmed, without case (ultracart.md 2.2)."""
    return code.strip().casefold()


class OrderKey(NamedTuple):
    """Names one order: the account as the payload says it (``ultracart:DEMO``) and the store's order id."""

    account: str
    order_id: str


class Said(NamedTuple):
    """How new a snapshot is; compares as strategies.md section 1 says."""

    as_of: datetime
    delivery_id: int
    position: int
