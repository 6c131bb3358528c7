"""Lists: one page of records by key, and the addresses of what comes before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from stockhook.store import RECORDS, Match, Range, Read

R = TypeVar("R")

PAGE: Final = 50
"""Rows of one page of a list."""

WINDOW: Final = 50_000
"""Records that are looked through for one page where no index leads to those that match."""

_DIGITS: Final = 18
"""Digits of the longest id that a store keeps."""

_FEW: Final = frozenset({"order_id", "delivery_id", "unit_id"})
"""Indexed fields of which a value has so few records that other filters cost nothing."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """One page of a list; ``older`` and ``newest`` are addresses, None where there is no such page.

    ``partial``: only so many records were looked through, and ``older`` goes on from there.
    """

    rows: Sequence[R]
    older: str | None
    newest: str | None
    partial: bool = False

    @classmethod
    def of(
        cls, rows: Sequence[R], last: int | None, asked: Mapping[str, str], *, before: str, most: int = PAGE
    ) -> "Listing[R]":
        """Return the page of these rows; ``last`` is the id behind which the next one begins, None at the end."""
        kept = {name: value for name, value in asked.items() if value}
        older = None if last is None else "?" + urlencode({**kept, "before": last})
        newest = "?" + urlencode(kept) if id_of(before) else None
        return cls(rows, older, newest, partial=last is not None and len(rows) < most)


def listing(
    view: Read, record: type[R], where: Mapping[str, Match], asked: Mapping[str, str], *, before: str, most: int = PAGE
) -> Listing[R]:
    """Return the newest records that match, from behind the id ``before``; ``asked`` holds the filters as written."""
    return Listing.of(*older_than(view, record, where, before, most), asked, before=before, most=most)


def older_than(
    view: Read, record: type[R], where: Mapping[str, Match], before: str, most: int = PAGE
) -> tuple[list[R], int | None]:
    """Return one page of records by descending id, and the id to go on from, None at the end.

    The page may hold fewer than ``most``, though there may be more, where too many would have to be looked through.
    """
    after = id_of(before)
    low = None if _indexed(record, where) else _window(view, record, where, after)
    bounded = where if low is None else {**where, "id": _bounded(where.get("id"), low)}
    found: list[Any] = list(view.find(record, bounded, (after,) if after else None, most + 1))
    if len(found) > most:
        return found[:most], found[most - 1].id
    return found, low


def id_of(written: str) -> int | None:
    """Return the id that is written in an address; None for none, or for what no record can have."""
    return int(written) or None if written.isascii() and written.isdecimal() and len(written) <= _DIGITS else None


def _indexed(record: type[Any], where: Mapping[str, Match]) -> bool:
    """Tell whether the store comes to what matches without looking at what does not."""
    if isinstance(where.get("id"), frozenset):
        return True
    fields = where.keys() - {"id"}
    return not fields or bool(fields & _FEW) or any(fields == set(index) for index in RECORDS[record].indexes)


def _window(view: Read, record: type[Any], where: Mapping[str, Match], after: int | None) -> int | None:
    """Return the id down to which one page looks; None where that is all there is."""
    asked = where.get("id")
    high = asked.high if isinstance(asked, Range) else None
    if after is None and high is None:
        newest: list[Any] = list(view.find(record, most=1))
        high = newest[0].id + 1 if newest else 0
    low = min(each for each in (after, high) if each is not None) - WINDOW
    least = asked.low if isinstance(asked, Range) and asked.low is not None else 1
    return low if low > least else None


def _bounded(asked: Match, low: int) -> Range:
    return Range(low, asked.high) if isinstance(asked, Range) else Range(low)
