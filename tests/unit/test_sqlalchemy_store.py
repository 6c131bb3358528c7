"""What is particular to the SQLite store: durability, locks between processes, damaged and full files."""

import contextlib
import gc
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.pool import QueuePool
from sqlite_file import at, inside, raw, run

from stockhook.model import Unit
from stockhook.plugin import RECORDS, StoreBroken, StoreUnavailable
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.stores.sqlalchemy import SqlStore, locks, sqlite, wal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stock.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    store = at(path)
    store.open()
    yield store
    store.close()


# --- durability


def test_the_writing_connection_makes_commits_last(store: SqlStore) -> None:
    driver = inside(store)._raw()
    wanted = {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0, "foreign_keys": 1, "auto_vacuum": 2}
    wanted |= {"trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 5000}
    assert {name: driver.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted


def test_a_database_that_cannot_promise_durability_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sqlite._SETTINGS, "synchronous", 17)
    with pytest.raises(StoreUnavailable, match="synchronous"):
        at(path).open()


def test_reading_connections_cannot_write(store: SqlStore) -> None:
    with inside(store).reading() as connection:
        for statement in ("DELETE FROM item", "PRAGMA query_only=0", "DELETE FROM item"):
            if statement.startswith("DELETE"):
                with pytest.raises(Exception, match="readonly"):
                    connection.exec_driver_sql(statement)
            else:
                connection.exec_driver_sql(statement)


def test_every_file_is_for_its_owner_alone(path: Path, store: SqlStore) -> None:
    store.serve()
    store.append([make.arrival()])
    names = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert names.keys() >= {"stock.db", "stock.db-wal", "stock.db-shm", "stock.db.write", "stock.db.serve"}
    assert set(names.values()) == {0o600}


def test_it_tells_whether_a_commit_could_begin_and_writes_nothing(
    path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "ANSWER", 0.01)
    size = path.with_name("stock.db-wal").stat().st_size
    assert store.append(()) == []
    other = locks.FileLock(path.with_name("stock.db.write"))
    other.open()
    assert other.take()
    with pytest.raises(StoreUnavailable, match="another process has held"):
        store.append(())
    other.close()
    assert store.append(()) == []
    assert path.with_name("stock.db-wal").stat().st_size == size


def test_what_root_makes_belongs_to_the_owner_of_the_folder(path: Path) -> None:
    owner = 4711 if os.geteuid() == 0 else os.geteuid()
    os.chown(path.parent, owner, -1)
    with contextlib.closing(at(path)) as store:
        store.open()
        store.serve()
        store.append([make.arrival()])
        names = ("stock.db", "stock.db-wal", "stock.db-shm", "stock.db.write", "stock.db.serve")
        assert {file.name: file.stat().st_uid for file in path.parent.iterdir()} == dict.fromkeys(names, owner)


def test_a_damaged_page_is_found_by_the_integrity_check(path: Path) -> None:
    with contextlib.closing(at(path)) as store:
        store.open()
        store.append([make.arrival(b"%d" % number * 500) for number in range(50)])
        assert store.integrity() is None
    (page,) = [root for (root,) in raw(path, "select rootpage from sqlite_master where name = 'delivery_pending'")]
    with path.open("r+b") as file:
        file.seek(page * 4096 - 300)
        file.write(b"\xff" * 200)
    with contextlib.closing(at(path)) as store:
        store.open()
        assert store.integrity() is not None


def test_the_log_is_bounded_while_writing_and_folded_when_idle(
    path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "LIMIT", 1 << 20)
    for number in range(12):
        store.append([make.arrival(os.urandom(300_000))])
        assert inside(store)._log.size() < 2 << 20, number
    store.append([make.arrival()])
    assert inside(store)._log.size() > 0
    store.wait(0)
    assert inside(store)._log.size() > 0
    monkeypatch.setattr(sqlite, "IDLE", 0.0)
    store.wait(0)
    assert inside(store)._log.size() == 0


def test_the_log_stays_small_while_somebody_works(path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "STEP", 0.0)
    monkeypatch.setattr(wal, "SHARE", 0)
    for number in range(12):
        store.append([make.arrival(os.urandom(300_000))])
        with store.write() as work:
            work.save([make.item(f"A-{number}")])
        assert inside(store)._log.size() < 1 << 20, number
    assert path.stat().st_size > 12 * 300_000


def test_a_file_that_was_folded_into_is_no_younger_than_its_log(
    path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "STEP", 0.0)
    monkeypatch.setattr(wal, "SHARE", 0)
    before = path.stat().st_mtime_ns
    for number in range(3):
        store.append([make.arrival()])
        with store.write() as work:
            work.save([make.item(f"A-{number}")])
        assert path.stat().st_ctime_ns <= inside(store)._log.path.stat().st_ctime_ns
    assert path.stat().st_mtime_ns > before


@pytest.mark.parametrize(("name", "value"), [("SLOW", -1.0), ("LATELY", -1.0)])
def test_nothing_is_folded_in_along_the_way_on_a_slow_disk_or_while_nobody_sends(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    monkeypatch.setattr(wal, "STEP", 0.0)
    monkeypatch.setattr(wal, "SHARE", 0)
    monkeypatch.setattr(wal if name == "SLOW" else sqlite, name, value)
    for number in range(12):
        store.append([make.arrival(os.urandom(100_000))])
        with store.write() as work:
            work.save([make.item(f"A-{number}")])
    assert inside(store)._log.size() > 12 * 100_000


def test_a_slow_disk_is_folded_into_seldom(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "STEP", 0.0)
    monkeypatch.setattr(wal, "SHARE", 1e6)
    for number in range(20):
        store.append([make.arrival(os.urandom(100_000))])
        with store.write() as work:
            work.save([make.item(f"A-{number}")])
    assert inside(store)._log.size() > 19 * 100_000


def test_a_reader_that_stays_keeps_nobody_from_writing(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "LIMIT", 1 << 18)
    with store.read() as read:
        assert read.find(Unit) == []
        start = time.monotonic()
        for _ in range(6):
            store.append([make.arrival(os.urandom(100_000))])
        assert time.monotonic() - start < 25  # six times the five seconds that SQLite waits at most
    store.append([make.arrival(os.urandom(400_000))])
    assert inside(store)._log.size() < 1 << 20


def test_too_many_open_views_are_unavailable_and_not_an_unknown_error(store: SqlStore) -> None:
    pool = inside(store)._engines[1].pool
    assert isinstance(pool, QueuePool)
    pool._timeout = 0.01
    with contextlib.ExitStack() as views:
        for _ in range(16):
            views.enter_context(store.read())
        with pytest.raises(StoreUnavailable, match="views"), store.read():
            pass
    with store.read() as read:
        assert read.find(Unit) == []


def test_close_leaves_one_file_that_holds_everything(path: Path, store: SqlStore) -> None:
    [number] = store.append([make.arrival(b"kept")])
    store.close()
    assert not path.with_name("stock.db-wal").exists()
    assert raw(path, "SELECT id FROM delivery") == [(number,)]


def test_what_an_acknowledged_append_wrote_survives_the_end_of_the_process(path: Path, store: SqlStore) -> None:
    out = run(
        path,
        """
        store.open()
        print(store.append([make.arrival(b"kept")])[0], flush=True)
        work = store.write().__enter__()
        work.save([make.item("LOST")])
        os._exit(9)
        """,
        expect=9,
    )
    with store.read() as read:
        assert read.body(int(out)) == b"kept"
        assert not read.catalogue([("", "lost")]).items


# --- other processes


def test_a_second_daemon_is_refused_and_told_which_file_is_held(path: Path, store: SqlStore) -> None:
    store.serve()
    out = run(
        path,
        """
        store.open()
        store.append([make.arrival(b"a command may run beside the daemon")])
        try:
            store.serve()
        except Exception as error:
            print(type(error).__name__, error)
        """,
    )
    assert out.startswith("Refused")
    assert str(path.with_name("stock.db.serve")) in out
    assert str(os.getpid()) in out
    store.close()
    assert run(path, "store.open(); store.serve(); store.close(); print('served')") == "served\n"


def test_wait_tells_each_thread_what_another_process_changed(path: Path, store: SqlStore) -> None:
    assert store.wait(0) is False
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(store.wait(60)))
    thread.start()
    run(path, "store.open(); store.append([make.arrival()]); store.close()")
    assert store.wait(60) is True
    thread.join(60)
    assert told == [True]
    store.append([make.arrival()])
    assert store.wait(0) is False


def test_what_another_process_books_is_seen_at_once(path: Path, store: SqlStore) -> None:
    with store.write() as work:
        work.save([make.item("SOAP")])
        work.book([make.receipt()])
    with store.read() as read:
        assert len(read.units(["SOAP"]).units) == len(read.catalogue([("", "soap")]).items) == 1
    run(path, "store.open()\nwith store.write() as w:\n  w.save([make.item(name='new')])\n  w.book([make.receipt()])")
    with store.read() as read:
        assert len(read.units(["SOAP"]).units) == 2
        assert read.catalogue([("", "soap")]).items["soap"].name == "new"


def test_a_lock_that_stays_held_is_unavailable_and_not_for_ever(path: Path) -> None:
    one, two = locks.FileLock(path), locks.FileLock(path)
    one.open()
    two.open()
    with one.held(), pytest.raises(StoreUnavailable, match=path.name), two.held(0.02):
        raise AssertionError
    with two.held(0.02):
        pass
    one.close()
    two.close()


def test_a_program_that_locks_the_file_is_unavailable_and_nothing_breaks(path: Path, store: SqlStore) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    inside(store)._raw().execute("PRAGMA busy_timeout=20")
    with pytest.raises(StoreUnavailable, match="locked") as caught:
        store.append([make.arrival()])
    assert not isinstance(caught.value, StoreBroken)
    other.execute("ROLLBACK")
    other.close()
    assert len(store.append([make.arrival()])) == 1


# --- damage


@pytest.mark.parametrize("damage", ["empty", "gone", "garbage", "first page"])
def test_a_damaged_file_is_reported_and_never_made_anew(path: Path, store: SqlStore, damage: str) -> None:
    store.append([make.arrival(os.urandom(50_000))])
    store.close()
    whole = path.read_bytes()
    wrong = {"empty": b"", "garbage": b"not a database " * 4000, "first page": b"\xff" * 100 + whole[100:]}
    path.unlink() if damage == "gone" else path.write_bytes(wrong[damage])
    before = wrong.get(damage)
    with pytest.raises(StoreBroken, match=path.name):
        at(path).open()
    assert (path.read_bytes() if path.exists() and path.stat().st_size else b"") == (before or b"")
    path.write_bytes(whole)
    at(path).open()


def test_a_damaged_page_stops_all_writing(path: Path, store: SqlStore) -> None:
    store.append([make.arrival(os.urandom(3000), peer=str(number)) for number in range(200)])
    store.close()
    [(root,)] = raw(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'delivery'")
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xaa" * 4096)
    store.open()
    with pytest.raises(StoreBroken, match="restore a backup"), store.read() as read:
        read.find(RECORDS and type(make.delivery()))
    with pytest.raises(StoreBroken), store.write() as work:
        work.save([make.item()])
    with pytest.raises(StoreBroken):
        store.append([make.arrival()])


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    raw(path, "CREATE TABLE guests (name TEXT)")
    with pytest.raises(StoreBroken, match="guests"):
        at(path).open()
    assert raw(path, "SELECT name FROM sqlite_schema") == [("guests",)]


def test_a_full_disk_is_unavailable_until_there_is_space_again(store: SqlStore) -> None:
    driver = inside(store)._raw()
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreUnavailable, match="full") as caught:
        store.append([make.arrival(os.urandom(100_000))])
    assert not isinstance(caught.value, StoreBroken)
    driver.execute("PRAGMA max_page_count=1000000")
    assert len(store.append([make.arrival(os.urandom(100_000))])) == 1


def test_a_thread_that_writes_twice_at_once_is_told_instead_of_waiting_for_itself(store: SqlStore) -> None:
    with store.write() as work:
        work.save([make.item()])
        with pytest.raises(StoreUnavailable, match="this thread"):
            store.append([make.arrival()])
    assert len(store.append([make.arrival()])) == 1


def test_a_unit_of_work_is_gone_at_its_end_without_the_garbage_collector(store: SqlStore) -> None:
    store.append([make.arrival(b"a body that would stay")])
    gc.disable()
    try:
        with store.write() as work:
            assert [work.body(row.id) for row in work.claim(START, 1).deliveries] == [b"a body that would stay"]
            work.units(["SOAP"])
            assert not work.book([make.receipt("SOAP")])
            ended = weakref.ref(work)
        del work
        assert ended() is None
        with store.read() as view:
            assert len(view.find(Unit)) == 1
            ended = weakref.ref(view)
        del view
        assert ended() is None
    finally:
        gc.enable()


def test_a_store_that_is_not_open_says_so(path: Path, store: SqlStore) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        store.append([make.arrival()])
    with pytest.raises(StoreUnavailable, match="not open"), store.read():
        pass


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="No such file"):
        at(tmp_path / "none" / "stock.db").open()


def test_the_size_of_the_file_and_its_log_and_the_room_beside_them_are_known(store: SqlStore, path: Path) -> None:
    with store.write() as work:
        work.save([make.item()])
    found = store.footprint()
    assert found.database == path.stat().st_size > 0
    assert found.log == path.with_name("stock.db-wal").stat().st_size > 0
    assert found.free is not None
    assert found.free > 0
    store.close()
    assert store.footprint().log == 0
