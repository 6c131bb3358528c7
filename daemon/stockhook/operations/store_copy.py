"""Copies a store into another, empty one, record by record, and proves that both hold the same."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from stockhook.errors import Refused
from stockhook.model import Movement, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.verify import Checked, verify
from stockhook.quantity import Quantity
from stockhook.store import JOBS, RECORDS, Chunk, Copyable, Read, Store


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """A store that was copied.

    ``url`` is the new one without a password, ``rows`` counts per table, ``moved`` and ``on_hand`` sum all movements
    and all units. ``failing`` are the promises that hold neither in the copy nor in the store it was made of.
    """

    url: str
    rows: Mapping[str, int]
    moved: Quantity
    on_hand: Quantity
    failing: tuple[Checked, ...]


@dataclass(slots=True)
class _Account:
    """What passes by: how many rows of each table, and a digest of them."""

    rows: Counter[str] = field(default_factory=Counter)
    digests: dict[str, Any] = field(default_factory=dict)

    def counted(self, chunks: Iterator[Chunk], progress: Callable[[str, int], None], verb: str) -> Iterator[Chunk]:
        """Yield the chunks."""
        for chunk in chunks:
            yield chunk
            digest = self.digests.setdefault(chunk.table, hashlib.sha256())
            for row in chunk.rows:
                for value in row:
                    digest.update(_bytes(value))
            self.rows[chunk.table] += len(chunk.rows)
            if chunk.table:
                progress(f"{verb} {chunk.table}", self.rows[chunk.table])

    def differences(self, other: "_Account") -> list[str]:
        """Return the tables of which the other account has other rows, with what was found."""
        return [
            f"{table or 'where ids go on from'}: {self.rows[table]} rows here, {other.rows[table]} there"
            + (", not the same ones" if self.rows[table] == other.rows[table] else "")
            for table in sorted(self.rows.keys() | other.rows.keys())
            if self.of(table) != other.of(table)
        ]

    def of(self, table: str) -> tuple[int, bytes]:
        """Return what there was of a table."""
        digest = self.digests.get(table)
        return self.rows[table], digest.digest() if digest is not None and self.rows[table] else b""


def copy_store(
    desk: Desk, url: str, payload_days: int | None, progress: Callable[[str, int], None] = lambda _name, _done: None
) -> StoreCopy:
    """Copy the open store to the empty one at ``url`` and prove it (design.md 8: ``store copy``).

    ``payload_days`` is how long payloads are kept, None for ever; ``progress`` hears what of each table is done. Raises
    Refused where a daemon serves one of the two, the new one is not empty, or the copy is not the same.
    """
    store = desk.store
    if not isinstance(store, Copyable):
        raise Refused(f"a store of type {store.type} cannot be copied to another one")
    target = store.other(url)
    _claim(store, "the store of this configuration")
    account, copied = _Account(), _Account()
    target.open()
    try:
        _claim(target, shown(url))
        assert isinstance(target, Copyable)
        with store.read() as view:
            target.fill(account.counted(store.dump(view), progress, "copying"))
            sums = _sums(view)
        target.close()
        target.open()
        _claim(target, shown(url))
        with target.read() as view:
            for _ in copied.counted(target.dump(view), progress, "comparing"):
                pass
            wrong = account.differences(copied)
            _refuse(url, wrong or _unequal(sums, _sums(view)))
        failing = _failing(desk, replace(desk, store=target), payload_days, progress)
        _refuse(url, [f"{each.name}: {each.detail}" for each, old in failing if old.ok])
    finally:
        target.close()
    moved, on_hand = (sum(total for _, total in sums[kind].values()) for kind in ("movements of unit", "units of item"))
    rows = {table: count for table, count in account.rows.items() if table}
    return StoreCopy(shown(url), rows, moved, on_hand, tuple(each for each, _ in failing))


def _claim(store: Store, name: str) -> None:
    """Raise Refused where a daemon serves the store; of several that share it one leads what is done for all."""
    store.serve()
    if not all(store.leads(job) for job in JOBS):
        raise Refused(
            f"a stockhook daemon serves {name}, on this machine or another; stop all that share it first, and start "
            "them again when the copy is made"
        )


def shown(url: str) -> str:
    """Return a URL without the password in it."""
    parts = urlsplit(url)
    return (
        urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.netloc.rpartition('@')[2]}"))
        if parts.password
        else url
    )


Sums = dict[str, dict[Any, tuple[int, Quantity]]]


def _sums(view: Read) -> Sums:
    """Return counts and sums by what they are of: the records, each unit's movements, each item's units."""
    found: Sums = {
        "movements of unit": {each.by[0]: (each.count, each.amount) for each in view.totals(Movement, ("unit_id",))},
        "units of item": {each.by[0]: (each.count, each.amount) for each in view.totals(Unit, ("sku",))},
    }
    for record in RECORDS:
        found[record.__name__] = {each.by: (each.count, each.amount) for each in view.totals(record)}
    return found


def _unequal(old: Sums, new: Sums) -> list[str]:
    return [
        f"{kind} {key}: {old[kind].get(key)} here, {new[kind].get(key)} there"
        for kind in old
        for key in sorted(old[kind].keys() | new[kind].keys(), key=str)
        if old[kind].get(key) != new[kind].get(key)
    ]


def _failing(
    desk: Desk, copied: Desk, payload_days: int | None, progress: Callable[[str, int], None]
) -> list[tuple[Checked, Checked]]:
    """Return what does not hold in the copy, each with the same check of what it was made of."""
    failing = [each for each in verify(copied, payload_days, progress) if not each.ok]
    if not failing:
        return []
    before = {each.name: each for each in verify(desk, payload_days, progress)}
    return [(each, before[each.name]) for each in failing]


def _refuse(url: str, wrong: list[str]) -> None:
    if wrong:
        raise Refused(
            f"the copy in {shown(url)} is not the same: {'; '.join(wrong[:3])}. Do not start on it: remove it, and "
            "report this with the versions of both databases"
        )


def _bytes(value: Any) -> bytes:
    """Return a value for a digest; PostgreSQL keeps no zero character in texts, so it does not count."""
    if isinstance(value, bytes):
        return b"b%d:" % len(value) + value
    if isinstance(value, str):
        kept = value.replace("\x00", "\ufffd").encode()
        return b"s%d:" % len(kept) + kept
    return repr(value).encode() + b";"
