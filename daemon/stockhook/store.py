"""What a store must offer: it keeps records and commits them together; all rules are above it (design.md section 9).

A store is swapped whole, by a plugin. ``StoreContract`` in ``stockhook.testing`` is its definition in tests.
"""

import builtins
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeAlias, TypeVar, runtime_checkable

from stockhook.model import (
    Alias,
    Allocation,
    Answered,
    Audit,
    Body,
    Booking,
    Catalogue,
    Count,
    Delivery,
    Event,
    Item,
    Kit,
    Line,
    Location,
    LogOut,
    Movement,
    Notice,
    Order,
    OrderKey,
    OrderState,
    Problem,
    Shortage,
    Stock,
    Unit,
    Wait,
)
from stockhook.options import PluginOptions
from stockhook.quantity import Quantity

R = TypeVar("R")

FOREVER: Final = 1 << 62
"""As ``most``: no limit."""


@dataclass(frozen=True, slots=True)
class Range:
    """Matches ``low <= field < high``; None leaves a side open."""

    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Folded:
    """Matches a text in whatever spelling: ``code`` is its folded form (``model.fold``); of ``Kept.folded`` fields."""

    code: str


JOBS: Final = ("sweep", "dispatcher", "prune", "watch")
"""What one daemon does for all that share a store, see ``leads``; where daemons run, one of them does the first two."""

Progress: TypeAlias = Callable[[int, int], None]
"""Hears how much of how much is done."""


def untold(done: int, total: int) -> None:
    """Be a ``Progress`` that tells nobody."""


Match: TypeAlias = Any
"""A value (None included) a field must equal, a ``frozenset`` it must be in, a ``Range``, or ``Folded``."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How a record is kept: its key, the fields (groups) ``find`` may be asked by, and what ``totals`` sums.

    ``folded`` fields are texts that ``find`` comes to as quickly by their folded form.

    A key of one field ``id`` is given by the store, ascending, never used twice. ``totals`` sums ``amount``.
    ``find`` pages by the key, newest (largest) first.
    """

    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    amount: str | None = None
    folded: tuple[str, ...] = ()


RECORDS: Final[Mapping[type, Kept]] = {
    Delivery: Kept(("id",), (("channel",), ("state",))),
    Event: Kept(("id",), (("delivery_id",), ("account", "order_id"), ("order_id",), ("state",), ("channel",))),
    Order: Kept(("account", "order_id"), (("order_id",), ("due_at",))),
    Line: Kept(("account", "order_id", "number"), (("code",),)),
    Wait: Kept(("account", "order_id", "kind", "subject"), (("kind", "subject"),)),
    Item: Kept(("sku",)),
    Alias: Kept(("account", "code"), (("sku",),)),
    Kit: Kept(("sku",)),
    Location: Kept(("path",)),
    Unit: Kept(
        ("id",),
        (("sku",), ("location",), ("lot",), ("serial",), ("suspense",)),
        "quantity",
        folded=("lot", "serial"),
    ),
    Count: Kept(("sku", "location", "unit_id")),
    Movement: Kept(("id",), (("unit_id",), ("sku",), ("account", "order_id"), ("reverses",)), "quantity"),
    Allocation: Kept(("id",), (("account", "order_id"),), "taken"),
    Shortage: Kept(("id",), (("sku",), ("account", "order_id"), ("open",)), "open"),
    Problem: Kept(("id",), (("state",), ("kind", "subject")), "count"),
    Notice: Kept(("id",), (("state",), ("problem_id",), ("kind", "subject"))),
    Audit: Kept(("id",), (("action", "subject"),)),
    Answered: Kept(("actor", "key"), (("at",),)),
    LogOut: Kept(("session",), (("at",),)),
}
"""Every record ``find``, ``totals`` and ``save`` know. ``sku`` and ``path`` are compared and kept as written."""


@dataclass(frozen=True, slots=True)
class Total:
    """One group of ``totals``: the values of the ``by`` fields, how many records, the sum of their ``amount``."""

    by: tuple[Any, ...]
    count: int
    amount: Quantity


@dataclass(frozen=True, slots=True)
class Due:
    """What must be worked: orders to be evaluated (again), and deliveries with events to be worked, oldest first."""

    orders: tuple[OrderKey, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is due."""
        return bool(self.orders or self.deliveries)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery on its way in, with its body. The delivery's id is 0 until the store has given one."""

    delivery: Delivery
    body: Body


class Read(Protocol):
    """One consistent view of the store, usable from the thread that opened it."""

    def orders(self, keys: Collection[OrderKey]) -> dict[OrderKey, OrderState]:
        """Return what is kept of each order; unknown ones are absent. Lines come in number order, takes oldest first.

        Takes whose ``remaining`` is 0 and shortages whose ``open`` is 0 are there too: both count as applied history.
        """
        ...

    def catalogue(self, codes: Collection[tuple[str, str]], skus: Collection[str] = ()) -> Catalogue:
        """Return what these (account, folded code) mean: global and account aliases, and the items and kits reached.

        Items are found by folded sku from the codes themselves, from the aliases and from ``skus``; kits with all
        their parts, down to the last level.
        """
        ...

    def units(self, skus: Collection[str]) -> Stock:
        """Return the units of these items that have a quantity, are held or in suspense, with counts and versions."""
        ...

    def due(self, now: datetime, most: int) -> Due:
        """Return at most ``most`` orders and ``most`` deliveries whose time has come, oldest due first."""
        ...

    def body(self, delivery: int) -> bytes | None:
        """Return the raw bytes of a delivery as received; None once its payload has been removed."""
        ...

    def find(
        self,
        record: type[R],
        where: Mapping[str, Match] | None = None,
        after: tuple[Any, ...] | None = None,
        most: int = 1000,
    ) -> list[R]:
        """Return records that match every field of ``where``, by descending key, from behind the key ``after``."""
        ...

    def totals(
        self, record: type[Any], by: Sequence[str] = (), where: Mapping[str, Match] | None = None
    ) -> list[Total]:
        """Return counts and sums per group of ``by``; no groups without records, one group for empty ``by``."""
        ...


class Work(Read, Protocol):
    """A unit of work: everything saved and booked in it is committed together when it ends without an exception.

    Reading in it sees what it has written, and nothing older than what it has read before. From its first ``save`` or
    ``book`` on it is the only one that writes. No lock that holds up an append is taken before that, so planning may
    happen between ``claim`` and ``book``; ``units`` may wait for a Work that has read the same items to end.

    Before the first write two reads may show different moments. So only that may be acted upon which a version covers
    that was read before it, or together with it, and is named in the booking; the rest is to be read behind a write.
    """

    def claim(self, now: datetime, most: int) -> Due:
        """Return what is due, as ``Read.due`` does, and keep it from every other Work until this one has ended."""
        ...

    def hold(self, keys: Collection[OrderKey]) -> frozenset[OrderKey]:
        """Keep these orders, kept in the store or not, from every other Work that claims or holds them.

        Returns those that are not to be had because another Work has them: what is known of them may be about to
        change. It never waits, and those it gets are kept until this Work has ended.
        """
        ...

    def save(self, records: Sequence[Any]) -> None:
        """Insert or replace by key. An ``id`` of 0, or from ``NEW`` on, is replaced by a new one.

        Orders, lines, units, movements, allocations and shortages are not saved but booked; the exception is an
        ``Order`` that exists, of which ``due_at`` and ``attempts`` alone are written, without a new version.
        Saving an ``Item`` does not touch its version.
        """
        ...

    def forget(self, records: Sequence[Any]) -> None:
        """Remove aliases, kits, answers to programs and log-outs by key; absent ones are no error."""
        ...

    def book(self, bookings: Sequence[Booking]) -> frozenset[OrderKey | None]:
        """Write bookings that were planned one after the other, and return the keys of those that are void.

        Void is a booking whose order version, or the version of one of its ``items``, is no longer the one it names,
        and each later booking of the call that names an item of a void one. Nothing of a void booking is written.
        For the rest: placeholders get ids, unit quantities and ``balance_after`` follow from the movements, the
        order's version grows by one, and so does that of each item that a movement or a new unit touches, once a
        call. Raises BadBooking if a unit not in suspense would end below zero, or what is referred to does not exist.
        """
        ...


class Store(Protocol):
    """The whole of a store. Its methods may be called from any thread."""

    type: ClassVar[str]
    Options: ClassVar[builtins.type[PluginOptions]]

    def open(self) -> None:
        """Connect, prove that commits last, and bring the schema up to date.

        Raises StoreUnavailable, or StoreAway where waiting for it may be enough, and StoreTooNew for a store written by
        a newer stockhook.
        """
        ...

    def serve(self) -> None:
        """Claim the store for a daemon until ``close``; raises Refused where only one may serve and one does."""
        ...

    def leads(self, job: str) -> bool:
        """Tell whether this process is the one to run ``job``, of all the daemons that share the store.

        One of them is at any time, and stays it until it closes the store or loses it; the others ask again.
        """
        ...

    def close(self) -> None:
        """Release everything; the store may be opened again."""
        ...

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Keep deliveries in one commit and return their ids; durable on return. The only call on the answer path.

        Without any it tells whether it could: it raises StoreUnavailable where a commit cannot begin.
        """
        ...

    def read(self) -> AbstractContextManager[Read]:
        """Open a consistent view; close it soon."""
        ...

    def write(self) -> AbstractContextManager[Work]:
        """Open a unit of work; it commits at the end of the ``with`` block and rolls back on an exception."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds`` and return True as soon as another process has changed the store."""
        ...

    def prune(self, before: datetime, most: int) -> int:
        """Remove at most ``most`` bodies that came before then and not since, and return how many were removed.

        A call writes little and holds up nobody for long; 0 says that none is left.
        """
        ...

    def erase(self, digests: Collection[bytes]) -> int:
        """Remove the bodies with these digests and return how many were removed, for good and whoever else had them.

        One that a delivery has which is still to be worked stays.
        """
        ...

    def backup(self, path: Path, progress: Progress = untold) -> Mapping[str, str]:
        """Write a consistent copy of the store to ``path`` while it is in use, and return the options to start on it.

        ``path`` must not exist, and does so only once the copy is whole and on the disk, with mode 0600. Raises
        Refused where that cannot be.
        """
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """What a store may offer besides: looking after its own files. ``verify`` asks those that do."""

    def integrity(self) -> str | None:
        """Return what is damaged, or None when nothing is found to be; may take a while."""
        ...


@runtime_checkable
class Prepared(Protocol):
    """What a store may offer besides: telling what opening it would do. ``check`` looks into those that do."""

    def unprepared(self) -> str | None:
        """Return why opening it would make or change something, in words; None where it is there as this code keeps it.

        Called on a store that is not open, and makes nothing; raises what ``Store.open`` raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Footprint:
    """How many bytes a store takes: ``database``, and ``log`` beside it where there is one.

    ``free`` is what the disk has left for it; None where that is not to be known from here.
    """

    database: int
    log: int | None = None
    free: int | None = None


@runtime_checkable
class Measured(Protocol):
    """What a store may offer besides: telling how large it is. The daemon asks every few seconds."""

    def footprint(self) -> Footprint:
        """Return how large the store is and what room is left; cheap, whatever is in it."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some of the rows of one ``table`` of a store, as it keeps them; only a store of the same type reads them.

    Where ``table`` is empty it is what the store remembers besides, such as where ids go on from.
    """

    table: str
    rows: Sequence[tuple[Any, ...]]


@runtime_checkable
class Copyable(Protocol):
    """What a store may offer besides: to be copied into another of its type, as it is, with ids, versions and all.

    ``find`` and ``book`` cannot: they give new ids, and count versions anew.
    """

    def other(self, url: str) -> Store:
        """Return the store of this type at ``url``, not opened; raises Refused for its own, and for one it cannot be.

        Options but ``url`` are at their defaults.
        """
        ...

    def dump(self, view: Read) -> Iterator[Chunk]:
        """Yield all that a view of this store shows, table by table in the order of keys, a few MiB at a time."""
        ...

    def fill(self, chunks: Iterable[Chunk]) -> None:
        """Take in what another store dumps, in one commit; raises Refused where this one is not empty."""
        ...
