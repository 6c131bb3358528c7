"""Lists: a page of rows by key, newest first, and the cursor that goes on behind it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from stockhook.model import NEW
from stockhook.store import RECORDS, Match, Read
from stockhook.web.api.faults import bad
from stockhook.web.api.route import Query
from stockhook.web.paging import older_than

Record = TypeVar("Record")
R = TypeVar("R")

_Limit = Annotated[int, Meta(ge=1, le=1000, description="At most so many rows.")]
_Cursor = Annotated[str | None, Meta(description="Where to go on: `next` of the page before.")]


class Page(Query, frozen=True, kw_only=True):
    """Which part of a list."""

    limit: _Limit = 100
    cursor: _Cursor = None


class Listed(Struct, Generic[R], frozen=True, kw_only=True):
    """One page of a list, newest first: its rows, whether there are ``more``, and the cursor of those.

    Go on as long as there are more: a page of a filtered list may hold few rows, or none.
    """

    rows: list[R]
    more: bool
    next: Annotated[str | None, Meta(description="Give it as `cursor` to go on; null at the end.")]


def listed(
    view: Read, record: type[Record], where: Mapping[str, Match], page: Page, row: Callable[[Record], R]
) -> Listed[R]:
    """Return the page of records that match.

    It may hold fewer than its limit though there are more: of a list with ids no more than so many records are looked
    through for one page.
    """
    if RECORDS[record].key != ("id",):
        return listed_by(record, page, row, lambda after, most: view.find(record, where, after, most))
    after = key_of(record, page.cursor)
    rows, last = older_than(view, record, where, str(after[0]) if after else "", page.limit)
    return listed_then(record, [row(each) for each in rows], last)


def listed_by(
    record: type[Record],
    page: Page,
    row: Callable[[Record], R],
    find: Callable[[tuple[Any, ...] | None, int], Sequence[Record]],
) -> Listed[R]:
    """Return the page of what ``find`` finds behind a key, at most so many."""
    found = find(key_of(record, page.cursor), page.limit + 1)
    shown = found[: page.limit]
    more = len(found) > page.limit
    return Listed(rows=[row(each) for each in shown], more=more, next=cursor_of(record, shown[-1]) if more else None)


def listed_then(record: type[Record], rows: Sequence[R], last: int | None) -> Listed[R]:
    """Return the page of these rows; ``last`` is the id of the record behind which it goes on, None at the end."""
    following = None if last is None else _cursor(record, [last])
    return Listed(rows=list(rows), more=last is not None, next=following)


def cursor_of(record: type[Record], last: Record) -> str:
    """Return the cursor that goes on behind a record."""
    return _cursor(record, [getattr(last, name) for name in RECORDS[record].key])


def _cursor(record: type[Any], key: list[Any]) -> str:
    return urlsafe_b64encode(msgspec.json.encode([record.__name__, *key])).decode().rstrip("=")


def key_of(record: type[Any], cursor: str | None) -> tuple[Any, ...] | None:
    """Return the key that a cursor goes on behind; raises FaultError for one that is none of this list."""
    if cursor is None:
        return None
    names = RECORDS[record].key
    try:
        held = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[int | str])
    except (ValueError, RecursionError):
        held = []
    kept = [_fits(name, value) for name, value in zip(names, held[1:], strict=False)]
    if len(held) != len(names) + 1 or held[0] != record.__name__ or not all(kept):
        raise bad("cursor", "this cursor is none of this list; give `next` of its last page, or leave it out")
    return tuple(held[1:])


def _fits(name: str, value: int | str) -> bool:
    if name == "id":
        return isinstance(value, int) and 0 < value < NEW
    return isinstance(value, str) and "\0" not in value
