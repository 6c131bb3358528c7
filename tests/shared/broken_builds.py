"""Builds of stockhook that are broken on purpose: each must be caught, or the tests prove nothing.

As a plugin of pytest (``-p broken_builds``) it puts the build that ``STOCKHOOK_BROKEN`` names in place of the good one:
in every daemon that the tests start, and with ``STOCKHOOK_BROKEN_HERE`` in the tests' own process as well.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "STOCKHOOK_BROKEN"
HERE = "STOCKHOOK_BROKEN_HERE"

_KILLED = (
    "tests/functional/test_crash.py::test_killed_at_random_moments_it_loses_nothing_acknowledged_and_doubles_nothing"
)
_TWO = "tests/faults/test_two_workers.py::test_workers_that_know_nothing_of_each_other_book_everything_once"
_VOID = "test_a_booking_whose_order_or_item_has_moved_is_void_and_leaves_no_trace"


@dataclass(frozen=True, slots=True)
class Build:
    """What is wrong with a build, what makes it so, and the tests that must fail on it, the quickest first."""

    wrong: str
    apply: Callable[[], None]
    caught_by: tuple[str, ...]


def answer_early() -> None:
    """Answer a delivery when it is queued."""
    from stockhook.intake import Intake

    keep = Intake.keep

    def hasty(self: Intake, *delivery: Any) -> "asyncio.Future[None]":
        stored = keep(self, *delivery)
        stored.add_done_callback(lambda done: done.exception())
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answered.set_result(None)
        return answered

    Intake.keep = hasty  # type: ignore[method-assign,assignment]


def no_sync() -> None:
    """Commit without waiting for the disk: ``synchronous=NORMAL``."""
    from stockhook_plugins.stores.sqlalchemy import sqlite

    sqlite._SETTINGS["synchronous"] = 1


def no_difference() -> None:
    """Book all that an event says, whatever is booked already."""
    from stockhook.draft import Draft

    Draft.consumed = lambda *_: 0  # type: ignore[method-assign,assignment]


def order_of_arrival() -> None:
    """Believe the snapshot that arrived last, not the newest."""
    from datetime import UTC, datetime

    from stockhook import batch

    said = batch.Said
    batch.Said = lambda _as_of, *where: said(datetime(2000, 1, 1, tzinfo=UTC), *where)  # type: ignore[assignment,misc]


def two_commits() -> None:
    """Commit that events are worked, then what they do."""
    from stockhook_plugins.stores.sqlalchemy import SqlStore

    write = SqlStore.write

    class Later:
        def __init__(self, work: Any) -> None:
            self.work = work
            self.bookings: list[Any] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(self.work, name)

        def book(self, bookings: Any) -> frozenset[Any]:
            self.bookings += bookings
            return frozenset()

    @contextmanager
    def twice(self: SqlStore) -> Iterator[Any]:
        with write(self) as work:
            later = Later(work)
            yield later
        if later.bookings:
            with write(self) as work:
                work.book(later.bookings)

    SqlStore.write = twice  # type: ignore[method-assign]


def no_versions() -> None:
    """Book a plan whatever has become of the orders and items it was made for; on PostgreSQL, lock neither."""
    from stockhook_plugins.stores import bookings
    from stockhook_plugins.stores.sqlalchemy.postgres_unit import ServerUnit

    def take(_: ServerUnit, keys: Any, most: int | None = None) -> set[Any]:
        return set(list(keys)[:most])

    bookings.standing = lambda given, *_: (list(given), frozenset())  # type: ignore[assignment]
    ServerUnit._take = take  # type: ignore[method-assign]
    no_item_locks()


def no_order_locks() -> None:
    """Work on orders that another daemon works on; PostgreSQL."""
    from stockhook_plugins.stores.sqlalchemy.postgres_unit import ServerUnit

    ServerUnit._take = lambda _, keys, most=None: set(list(keys)[:most])  # type: ignore[method-assign,assignment]


def no_item_locks() -> None:
    """Plan with items that another daemon plans with; PostgreSQL."""
    from stockhook_plugins.stores.sqlalchemy.postgres_unit import ServerUnit

    versions = ServerUnit.item_versions

    def unlocked(unit: ServerUnit, skus: Any) -> Any:
        writing, unit.writing = unit.writing, True  # who writes already takes no lock
        try:
            return versions(unit, skus)
        finally:
            unit.writing = writing

    ServerUnit.item_versions = unlocked  # type: ignore[method-assign]


def all_lead() -> None:
    """Send every notice from every daemon."""
    from stockhook_plugins.stores.sqlalchemy import SqlStore

    SqlStore.leads = lambda *_: True  # type: ignore[method-assign,assignment]


def floats() -> None:
    """Read quantities as binary fractions."""
    from stockhook import quantity

    quantity.parse = lambda value: int(float(value) * quantity.ONE)  # type: ignore[assignment]


def no_drain() -> None:
    """Leave at SIGTERM without answering what is under way."""
    from stockhook.web.intake import IntakeServer

    async def leave(_: IntakeServer) -> None:
        return

    IntakeServer.drain = leave  # type: ignore[method-assign]


BUILDS: Mapping[str, Build] = {
    "answer-early": Build("answers before the commit", answer_early, (_KILLED,)),
    "no-sync": Build(
        "commits with synchronous=NORMAL",
        no_sync,
        (
            "tests/unit/test_sqlalchemy_store.py::test_the_writing_connection_makes_commits_last",
            "tests/faults/test_power_cut.py::test_a_power_cut_takes_nothing_that_was_acknowledged",
        ),
    ),
    "no-difference": Build(
        "books an event again each time it comes",
        no_difference,
        ("tests/functional/test_permutations.py", _KILLED),
    ),
    "order-of-arrival": Build(
        "believes the event that came last, not the newest",
        order_of_arrival,
        ("tests/functional/test_permutations.py",),
    ),
    "two-commits": Build(
        "commits that events are worked before their effects",
        two_commits,
        ("tests/faults/test_crash_points.py::test_killed_at_a_step_it_loses_nothing_and_doubles_nothing[1-book-due]",),
    ),
    "no-versions": Build(
        "books plans for orders and items that have moved since",
        no_versions,
        (
            f"tests/contract/test_stores.py::TestSqliteStore::{_VOID}",
            f"tests/contract/test_stores.py::TestPostgresStore::{_VOID}",
            f"tests/contract/test_stores.py::TestMemoryStore::{_VOID}",
            f"{_TWO}[sqlite-20261121]",
            f"{_TWO}[postgres-20261121]",
        ),
    ),
    "no-order-locks": Build(
        "works on orders that another daemon works on",
        no_order_locks,
        ("tests/unit/test_postgres_sharing.py::test_an_order_in_the_hands_of_one_is_never_waited_for",),
    ),
    "no-item-locks": Build(
        "plans with items that another daemon plans with",
        no_item_locks,
        (
            "tests/unit/test_postgres_sharing.py::test_an_item_that_one_plans_with_is_waited_for_and_then_read_as_it_was_left",
        ),
    ),
    "all-lead": Build(
        "sends every notice from every daemon",
        all_lead,
        (
            "tests/unit/test_postgres_sharing.py::test_who_leads_leads_until_it_closes_or_loses_its_connection",
            "tests/functional/test_many_daemons.py",
        ),
    ),
    "floats": Build("reads quantities as floats", floats, ("tests/unit/test_quantity.py",)),
    "no-drain": Build(
        "leaves at SIGTERM without answering",
        no_drain,
        ("tests/functional/test_crash.py::test_a_request_half_sent_when_the_daemon_is_stopped_is_still_answered",),
    ),
}
"""Every broken build by name."""


def from_environment() -> None:
    """Put the build that the environment names in place, if it names one."""
    name = os.environ.get(NAME)
    if name:
        BUILDS[name].apply()


def pytest_configure() -> None:
    """Break what the tests are about to test."""
    if os.environ.get(HERE):
        from_environment()
    from stockhook.testing.daemon import RunningDaemon

    wrapper = Path(__file__).with_name("altered_daemon.py")
    defaults = RunningDaemon.__init__.__kwdefaults__
    assert defaults is not None
    defaults["program"] = (sys.executable, str(wrapper), "--")
