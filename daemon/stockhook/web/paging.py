"""Lists: one page of records by key, and the addresses of what comes before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from stockhook.store import Match, Read

R = TypeVar("R")

PAGE: Final = 50
"""Rows of one page of a list."""

_DIGITS: Final = 18
"""Digits of the longest id that a store keeps."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """One page of a list; ``older`` and ``newest`` are addresses, None where there is no such page."""

    rows: Sequence[R]
    older: str | None
    newest: str | None


def listing(
    view: Read, record: type[R], where: Mapping[str, Match], asked: Mapping[str, str], *, before: str, most: int = PAGE
) -> Listing[R]:
    """Return the newest records that match, from behind the id ``before``; ``asked`` holds the filters as written."""
    rows, more = older_than(view, record, where, before, most)
    kept = {name: value for name, value in asked.items() if value}
    older = None if more is None else "?" + urlencode({**kept, "before": more})
    newest = "?" + urlencode(kept) if before_id(before) else None
    return Listing(rows, older, newest)


def older_than(
    view: Read, record: type[R], where: Mapping[str, Match], before: str, most: int = PAGE
) -> tuple[list[R], int | None]:
    """Return one page of records by descending id, and the id to go on from, None at the end."""
    after = before_id(before)
    found: list[Any] = list(view.find(record, where, (after,) if after else None, most + 1))
    return found[:most], found[most - 1].id if len(found) > most else None


def before_id(written: str) -> int | None:
    """Return the id that an address goes on from; None for none, or for what is no id."""
    return int(written) or None if written.isascii() and written.isdecimal() and len(written) <= _DIGITS else None
