"""Who stands still within a transaction where no time-out of the server counts is ended by the other daemons."""

import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgres import libpq
from postgres_store import ask, at
from structlog.testing import capture_logs

from stockhook.model import DeliveryState
from stockhook.plugin import StoreUnavailable
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.daemon import RunningDaemon
from stockhook_plugins.stores.sqlalchemy import SqlStore, postgres_stuck
from stockhook_plugins.stores.sqlalchemy.postgres_stuck import LOOK, StuckSessions

PATIENT = "?options=-c%20idle_in_transaction_session_timeout%3D0"
"""A session that the server itself never ends; so who looks at others has the patience of ``StuckSessions``."""
ENOUGH = 7
"""Looks: one every 5 s, for 30 s from the first one on."""
COPY = "COPY note FROM STDIN"
LONG = "SELECT repeat('x', 1000000) FROM generate_series(1, 50)"


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Return a message as PostgreSQL reads it."""
    return kind + (4 + len(body)).to_bytes(4, "big") + body


def query(words: str) -> bytes:
    return message(b"Q", words.encode() + b"\0")


SHORT = "SET LOCAL idle_in_transaction_session_timeout = 100"
PARSE = message(b"P", b"\0SELECT 1\0\0\0")
BIND = message(b"B", bytes(8))
EXECUTE = message(b"E", bytes(5))
PLACES = {
    # psycopg asks so for the last answers of each queue
    "behind a queue": (message(b"H"), ("idle in transaction", "ClientRead", SHORT)),
    "between a statement of a queue and the mark": (PARSE + BIND + EXECUTE, ("active", "ClientRead", "SELECT 1")),
    "within a message": (PARSE + BIND[:-3], ("active", "ClientRead", "SELECT 1")),
    "before an answer": (query(LONG), ("active", "ClientWrite", LONG)),
}
"""What was sent last, and what the server then says of the session."""


@contextmanager
def opened(url: str) -> Iterator[SqlStore]:
    store = at(url)
    store.open()
    yield store
    store.close()


@pytest.fixture
def other(postgres_url: str) -> Iterator[SqlStore]:
    with opened(f"{postgres_url}{PATIENT}") as store:
        yield store


@contextmanager
def standing_still(store: SqlStore, place: str, *, writes: bool) -> Iterator[int]:
    """Hold a delivery and an item, and the right to write as well, say no more, and yield the session's number."""
    sent, said = PLACES[place]
    url = store._options.url
    database = store._session._database
    with pytest.raises(StoreUnavailable), database.unit() as unit:  # type: ignore[attr-defined]  # noqa: PT012 - the block is what stands still
        assert unit.claim(START, 1).deliveries
        unit.item_versions(["SOAP"])
        driver: Any = (unit.writer() if writes else unit.connection()).connection.driver_connection
        os.write(driver.fileno(), query(SHORT) + sent)
        session = driver.info.backend_pid
        wait_for(url, session, said)
        time.sleep(0.3)
        assert seen(url, session) == [said]  # the server itself does nothing
        yield session
        driver.close()


def wait_for(url: str, session: int, said: tuple[str, str, str]) -> None:
    RunningDaemon.until(lambda: seen(url, session) == [said], what="the server to wait for its client")


def seen(url: str, session: int) -> list[Any]:
    found = f"SELECT state, wait_event, query FROM pg_stat_activity WHERE pid = {session}"
    return ask(url.partition("?")[0], found)


@contextmanager
def looks(url: str) -> Iterator[Iterator[None]]:
    """Yield what looks at the others as a daemon does, once whenever it is asked for the next one."""
    stuck = StuckSessions(itertools.count(0.0, LOOK).__next__)
    with psycopg.connect(libpq(url), autocommit=True, options="-c idle_in_transaction_session_timeout=0") as connection:
        yield (stuck.end(connection) for _ in itertools.count())


def work(store: SqlStore) -> bool:
    """Claim a delivery, plan with an item, book; tell whether the delivery was to be had."""
    with store.write() as found:
        due = found.claim(START, 1).deliveries
        found.units(["SOAP"])
        if due:
            found.book([make.receipt("SOAP")])
            found.save([replace(row, state=DeliveryState.WORKED) for row in due])
        return bool(due)


@pytest.mark.parametrize(("place", "writes"), [(place, n % 2 == 1) for n, place in enumerate(PLACES)], ids=list(PLACES))
def test_what_somebody_holds_who_stands_still_is_free_for_the_others_in_the_end(
    place: str, writes: bool, postgres_url: str, other: SqlStore
) -> None:
    other.append([make.arrival()])
    with opened(f"{postgres_url}{PATIENT}") as stopped:
        with standing_still(stopped, place, writes=writes) as session:
            with looks(postgres_url) as look, capture_logs() as lines:
                for _ in range(ENOUGH - 1):
                    next(look)
                assert seen(postgres_url, session)
                assert not lines
                RunningDaemon.until(lambda: next(look) or not seen(postgres_url, session), what="its end")
            line = lines[0]
            assert (line["log_level"], line["session"], line["application"]) == ("warning", session, "stockhook")
            assert ("answer" in line["waited_for"]) == (place == "before an answer")
            assert work(other)
        assert not work(stopped)  # it goes on by itself, and finds that others were there


def test_a_queue_ends_with_its_mark_behind_which_the_time_out_of_the_server_counts(
    other: SqlStore, tmp_path: Path
) -> None:
    database = other._session._database
    sent = tmp_path / "sent"
    with database.unit() as unit, sent.open("w") as lines:  # type: ignore[attr-defined]
        connection = unit.writer()
        driver: Any = connection.connection.driver_connection
        driver.pgconn.trace(lines.fileno())
        for _ in range(50):  # psycopg itself asks for what has not come yet, and sometimes all has
            with database.queued(connection):
                database.write(connection, database.sql.bump, [("item", "SOAP")])
        driver.pgconn.untrace()
    words = sent.read_text().split()
    assert words.count("Sync") >= 50
    assert "Flush" not in words


def test_who_listens_for_the_others_looks_after_them_as_well(
    postgres_url: str, other: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_stuck, "LOOK", 0.05)
    monkeypatch.setattr(postgres_stuck, "_PATIENCE", 0.1)
    other.append([make.arrival()])
    with (
        opened(f"{postgres_url}{PATIENT}") as stopped,
        standing_still(stopped, "behind a queue", writes=True),
        ThreadPoolExecutor(1) as thread,
    ):
        worked = thread.submit(work_at_last, other)
        while not worked.done():
            other.wait(0.05)
        assert worked.result()


def work_at_last(store: SqlStore) -> bool:
    """Work as soon as a delivery can be had."""
    return RunningDaemon.until(lambda: work(store), what="a delivery")


def test_nobody_is_ended_who_does_not_write_for_a_daemon(postgres_url: str, other: SqlStore) -> None:
    with (
        other.read() as view,
        view.connected() as connection,  # type: ignore[attr-defined]
        psycopg.connect(libpq(postgres_url)) as person,
        looks(postgres_url) as look,
    ):
        reader: Any = connection.connection.driver_connection
        os.write(reader.fileno(), query(LONG))
        person.execute("CREATE TABLE note (words text)")
        with person.cursor().copy(COPY) as copy:
            copy.write("one\n")
            wait_for(postgres_url, reader.info.backend_pid, ("active", "ClientWrite", LONG))
            wait_for(postgres_url, person.info.backend_pid, ("active", "ClientRead", COPY))
            with capture_logs() as lines:
                for _ in range(3 * ENOUGH):
                    next(look)
            assert not lines
            assert all(seen(postgres_url, who.info.backend_pid) for who in (reader, person))
        reader.close()


class Found:
    """A connection on which each look finds what is given: when a session was last heard of, or None where it is busy.

    ``ended`` are the looks at which it was ended.
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.last: int | None = None
        self.ended: list[Any] = []

    def execute(self, statement: str, who: Any = None) -> "Found":
        self._answer: list[Any] = []
        if who is not None:
            self.ended.append(who)
            self._answer = [(True,)]
        elif self.last is not None:
            heard = START + timedelta(seconds=self.last)
            self._answer = [(7, START, heard, "ClientRead", "stockhook", None, self.patience)]
        return self

    def fetchall(self) -> list[Any]:
        return self._answer


@given(
    heard=st.lists(st.none() | st.integers(1, 3), max_size=30),
    pauses=st.lists(st.floats(0, 10_000), min_size=30, max_size=30),
    patience=st.sampled_from([0.0, 1.0, 15.0, 30.0]),
)
def test_a_session_is_ended_once_it_was_seen_in_one_place_at_enough_looks_however_long_ago_the_first_one_was(
    heard: list[int | None], pauses: list[float], patience: float
) -> None:
    now = 0.0
    found, stuck = Found(patience), StuckSessions(lambda: now)
    enough = 1 + max(1, round((patience or 30.0) / LOOK))
    row, before = 0, None
    for last, pause in zip(heard, pauses, strict=False):
        now += LOOK + pause
        found.last = last
        found.ended.clear()
        row = row + 1 if last is not None and last == before else int(last is not None)
        before = last
        stuck.end(found)
        assert bool(found.ended) == (row >= enough)


def test_between_two_looks_there_are_some_seconds() -> None:
    now = 0.0
    found, stuck = Found(1.0), StuckSessions(lambda: now)
    found.last = 1
    for _ in range(1000):
        stuck.end(found)
        now += LOOK / 1000
    assert not found.ended
    now += LOOK / 1000
    stuck.end(found)
    assert found.ended == [(7, START, START + timedelta(seconds=1))]
