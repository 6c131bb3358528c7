"""Records in dicts that can be seen as they were: committed rows, with layers over them for snapshots and work."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from stockhook.plugin import RECORDS, Folded, Match, Range, Total, model

R = TypeVar("R")
Key: TypeAlias = tuple[Any, ...]

_GONE: Final = object()


def values(row: Any, fields: Sequence[str]) -> Key:
    """Return what the record has in these fields."""
    return tuple(getattr(row, name) for name in fields)


def matches(value: Any, wanted: Match) -> bool:
    """Tell whether a field's value is what ``find`` asks for."""
    if isinstance(wanted, Folded):
        return value is not None and model.fold(value) == wanted.code
    if not isinstance(wanted, Range):
        return bool(value in wanted if isinstance(wanted, frozenset) else value == wanted)
    if wanted.low is None and wanted.high is None:
        return True
    above = value is not None and (wanted.low is None or value >= wanted.low)
    return above and (wanted.high is None or value < wanted.high)


class Committed:
    """The rows that everyone sees, by key and by declared index."""

    def __init__(
        self, keys: Mapping[type, tuple[str, ...]], indexes: Mapping[type, tuple[tuple[str, ...], ...]]
    ) -> None:
        """Take the keys of rows that are no declared record, and indexes beyond the declared ones."""
        self.mutex = threading.RLock()
        self.keys = {**{record: kept.key for record, kept in RECORDS.items()}, **keys}
        self.rows: dict[type, dict[Key, Any]] = {record: {} for record in self.keys}
        self.snapshots: set[Layer] = set()
        self._indexes: dict[type, dict[tuple[str, ...], dict[Key, set[Key]]]] = {
            record: {fields: defaultdict(set) for fields in indexes.get(record, ())} for record in self.keys
        }
        for record, kept in RECORDS.items():
            self._indexes[record].update((fields, defaultdict(set)) for fields in kept.indexes)
        self._last: dict[type, int] = defaultdict(int)

    def number(self, record: type) -> int:
        """Return the next id of a kind of record; it is never given again."""
        with self.mutex:
            self._last[record] += 1
            return self._last[record]

    def candidates(self, record: type, where: Mapping[str, Match]) -> set[Key]:
        """Return the keys of rows that may match, through the widest index that ``where`` fills."""
        best: tuple[str, ...] = ()
        for fields in self._indexes[record]:
            if len(fields) > len(best) and all(
                name in where and not isinstance(where[name], (Range, Folded, frozenset)) for name in fields
            ):
                best = fields
        if not best:
            return set(self.rows[record])
        return set(self._indexes[record][best].get(tuple(where[name] for name in best), ()))

    def put(self, record: type, key: Key, row: Any) -> None:
        """Commit one row, or its removal, and leave the old one with whoever looks at a snapshot."""
        old = self.rows[record].get(key, _GONE)
        for snapshot in self.snapshots:
            snapshot.changes[record].setdefault(key, old)
        for fields, index in self._indexes[record].items():
            if old is not _GONE:
                index[values(old, fields)].discard(key)
            if row is not _GONE:
                index[values(row, fields)].add(key)
        if row is _GONE:
            self.rows[record].pop(key, None)
        else:
            self.rows[record][key] = row


class Layer:
    """What one reader or writer sees: the committed rows, except where its own changes say otherwise.

    A snapshot's changes are the old rows that later commits replaced; a writer's are what it has yet to commit.
    """

    def __init__(self, committed: Committed) -> None:
        self._rows = committed
        self.changes: dict[type, dict[Key, Any]] = defaultdict(dict)

    def get(self, record: type[R], *key: Any) -> R | None:
        """Return the row of this key, or None."""
        with self._rows.mutex:
            changed = self.changes[record]
            found = changed[key] if key in changed else self._rows.rows[record].get(key)
        return None if found is _GONE else found

    def select(self, record: type[R], where: Mapping[str, Match]) -> list[R]:
        """Return the rows that match every field of ``where``, in no order."""
        with self._rows.mutex:
            keys = self._rows.candidates(record, where) | self.changes[record].keys()
            found = [row for key in keys if (row := self.get(record, *key)) is not None]
        return [row for row in found if all(matches(getattr(row, name), wanted) for name, wanted in where.items())]

    def find(
        self, record: type[R], where: Mapping[str, Match] | None = None, after: Key | None = None, most: int = 1000
    ) -> list[R]:
        """Return the rows that match by descending key, as ``Read.find`` says."""
        fields = self._rows.keys[record]
        found = [(values(row, fields), row) for row in self.select(record, where or {})]
        found = [pair for pair in found if after is None or pair[0] < tuple(after)]
        return [row for _, row in sorted(found, key=lambda pair: pair[0], reverse=True)[:most]]

    def totals(
        self, record: type[Any], by: Sequence[str] = (), where: Mapping[str, Match] | None = None
    ) -> list[Total]:
        """Return counts and sums per group, as ``Read.totals`` says."""
        amount = RECORDS[record].amount
        groups: dict[Key, list[int]] = {} if by else {(): []}
        for row in self.select(record, where or {}):
            groups.setdefault(values(row, by), []).append(getattr(row, amount) if amount else 0)
        ordered = sorted(groups, key=lambda key: [(value is not None, value) for value in key])
        return [Total(key, len(groups[key]), sum(groups[key])) for key in ordered]

    def put(self, row: Any) -> None:
        """Write a row."""
        record = type(row)
        self.changes[record][values(row, self._rows.keys[record])] = row

    def drop(self, row: Any) -> None:
        """Remove a row by its key; one that is not there is no error."""
        record = type(row)
        self.changes[record][values(row, self._rows.keys[record])] = _GONE

    def commit(self) -> None:
        """Show everyone what was written here."""
        with self._rows.mutex:
            for record, key, row in self._pending():
                self._rows.put(record, key, row)
            self.changes.clear()

    def _pending(self) -> Iterator[tuple[type, Key, Any]]:
        return ((record, key, row) for record, rows in self.changes.items() for key, row in rows.items())
