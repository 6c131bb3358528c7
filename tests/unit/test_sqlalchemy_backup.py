"""A copy of an SQLite store: when it has its name it is whole, and nothing else ever has it."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_file import at, raw, run

from stockhook.model import Unit
from stockhook.plugin import Refused, StoreBroken
from stockhook.testing import factories as make
from stockhook_plugins.stores.sqlalchemy import SqlStore, backup


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stock.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    store = at(path)
    store.open()
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "copy.db"


def enlarge(path: Path, mebibytes: int) -> None:
    """Make the file larger by bodies that belong to no delivery."""
    one = "INSERT INTO body (digest, codec, size, data) VALUES (randomblob(32), '', 0, randomblob(1048576))"
    with sqlite3.connect(path) as connection:
        for _ in range(mebibytes):
            connection.execute(one)
    connection.close()


def test_the_copy_opens_as_a_store_and_is_one_private_file(store: SqlStore, target: Path) -> None:
    [number] = store.append([make.arrival(b"kept")])
    options = store.backup(target)
    assert options == {"url": f"sqlite:///{target}"}
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    assert (target.stat().st_mode & 0o777, target.stat().st_nlink) == (0o600, 1)
    copy = SqlStore(SqlStore.Options.model_validate(options))
    copy.open()
    with copy.read() as read:
        assert read.body(number) == b"kept"
    assert min(copy.append([make.arrival()])) > number
    copy.close()


def test_a_copy_of_a_copy_holds_the_same(path: Path, store: SqlStore, target: Path) -> None:
    with store.write() as work:
        work.book([make.receipt()])
    store.append([make.arrival(b"kept")])
    store.backup(target)
    copy = at(target)
    copy.open()
    copy.backup(again := target.with_name("again.db"))
    copy.close()

    def dumped(file: Path) -> list[str]:
        with sqlite3.connect(file) as connection:
            lines = list(connection.iterdump())
        connection.close()
        return lines

    assert dumped(again) == dumped(target) == dumped(path)


def test_a_copy_made_while_much_is_written_never_begins_again(path: Path, store: SqlStore, target: Path) -> None:
    enlarge(path, 24)
    done: list[int] = []
    written: list[int] = []

    def write(copied: int, _: int) -> None:
        done.append(copied)
        other.append([make.arrival(os.urandom(1000))])
        with other.write() as work:
            work.book([make.receipt()])
        written.append(copied)
        assert len(written) < 50, "it begins again at every commit"

    other = at(path)
    other.open()
    store.append([make.arrival(b"before")])
    store.backup(target, write)
    other.close()
    assert done == sorted(done)
    assert len(written) > 4
    # all of it is of the moment when the copy began
    assert raw(target, "SELECT count(*) FROM delivery") == [(1,)]
    assert raw(target, "SELECT count(*) FROM movement") == [(0,)]
    assert raw(target, "PRAGMA integrity_check") == [("ok",)]


def test_a_copy_holds_up_no_commit(path: Path, store: SqlStore, target: Path) -> None:
    enlarge(path, 8)
    inside, go_on = threading.Event(), threading.Event()

    def stop(_: int, __: int) -> None:
        inside.set()
        assert go_on.wait(60)

    copying = threading.Thread(target=store.backup, args=(target, stop))
    copying.start()
    assert inside.wait(60)
    try:
        assert not target.exists()
        assert store.append([make.arrival(b"meanwhile")])
        with store.write() as work:
            work.book([make.receipt()])
        with store.read() as read:
            assert len(read.find(Unit)) == 1
    finally:
        go_on.set()
        copying.join()
    assert target.exists()


def test_progress_counts_the_bytes_of_the_file(path: Path, store: SqlStore, target: Path) -> None:
    enlarge(path, 12)
    heard: list[tuple[int, int]] = []
    store.backup(target, lambda done, total: heard.append((done, total)))
    assert heard[-1] == (target.stat().st_size, target.stat().st_size)
    assert len(heard) >= 3


@pytest.mark.parametrize("name", ["stock.db", "stock.db-wal", "stock.db-journal", "stock.db.write", "stock.db.serve"])
def test_the_files_of_the_store_itself_are_refused(path: Path, store: SqlStore, name: str) -> None:
    before = path.read_bytes()
    with pytest.raises(Refused, match="belongs to the store itself"):
        store.backup(path.with_name(name))
    (link := path.parent / "link").symlink_to(path.parent)
    with pytest.raises(Refused, match="belongs to the store itself"):
        store.backup(link / name)
    assert path.read_bytes() == before


def test_what_is_there_is_refused_and_left_alone(store: SqlStore, target: Path) -> None:
    target.write_bytes(b"mine")
    with pytest.raises(Refused, match="overwrites nothing"):
        store.backup(target)
    assert target.read_bytes() == b"mine"
    (dangling := target.with_name("dangling")).symlink_to(target.with_name("nowhere"))
    with pytest.raises(Refused, match="overwrites nothing"):
        store.backup(dangling)
    assert not dangling.exists()


def test_a_file_that_appears_meanwhile_is_left_alone(store: SqlStore, target: Path) -> None:
    with pytest.raises(Refused, match="overwrites nothing"):
        store.backup(target, lambda *_: target.write_bytes(b"mine") and None)
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    assert target.read_bytes() == b"mine"


def test_a_log_left_of_another_database_is_refused(store: SqlStore, target: Path) -> None:
    """SQLite would replay it into the copy."""
    target.with_name("copy.db-wal").write_bytes(b"left")
    with pytest.raises(Refused, match=r"copy\.db-wal is left of another database"):
        store.backup(target)


def test_a_folder_that_is_missing_or_cannot_be_written_is_refused(store: SqlStore, target: Path) -> None:
    with pytest.raises(Refused, match="make it first"):
        store.backup(target.parent / "missing" / "copy.db")
    with pytest.raises(Refused, match="cannot be written"):
        store.backup(Path("/proc/copy.db"))


def test_a_file_system_without_links_is_no_obstacle(
    store: SqlStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    store.backup(target)
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    with pytest.raises(Refused, match="overwrites nothing"):
        store.backup(second := target.with_name("second.db"), lambda *_: second.write_bytes(b"mine") and None)
    assert second.read_bytes() == b"mine"


# --- faults


def test_a_store_larger_than_the_disk_is_refused_before_anything_is_copied(
    path: Path, store: SqlStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlarge(path, 3)
    usage = shutil.disk_usage(target.parent)._replace(free=2 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Refused, match=r"has 2 MiB left, the store has \d MiB"):
        store.backup(target)
    assert list(target.parent.iterdir()) == []


def test_a_disk_that_fills_up_meanwhile_gives_a_sentence_and_leaves_nothing(
    path: Path, store: SqlStore, target: Path
) -> None:
    enlarge(path, 12)
    store.close()
    limited = f"""
        import resource
        from pathlib import Path
        from stockhook.plugin import Refused
        store.open()
        resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, 6 << 20))
        try:
            store.backup(Path({str(target)!r}))
        except Refused as error:
            print(error)
    """
    said = run(path, limited)
    assert said.startswith(f"{path} could not be copied to {target}: disk I/O error")
    assert said.endswith("there is no backup\n")
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (sqlite3.SQLITE_FULL, "its disk is full; there is no backup"),
        (sqlite3.SQLITE_CANTOPEN, r"could not be copied .*SQLITE_CANTOPEN"),
    ],
)
def test_what_sqlite_says_of_the_target_is_not_held_against_the_store(
    store: SqlStore, target: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_CANTOPEN"

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(backup, "_copy_pages", fail)
    with pytest.raises(Refused, match=said):
        store.backup(target)
    assert list(target.parent.iterdir()) == []
    assert store.append([make.arrival()])


def test_a_damaged_store_gives_no_backup(path: Path, store: SqlStore, target: Path) -> None:
    store.append([make.arrival(os.urandom(50_000)) for _ in range(20)])
    store.close()
    with path.open("r+b") as file:
        for page in range(30, 60):
            file.seek(page * 4096)
            file.write(b"\0" * 4096)
    store.open()
    with pytest.raises(StoreBroken, match="keep the backups you have"):
        store.backup(target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("when", ["while it is copied", "before it has its name"])
def test_a_backup_that_is_killed_leaves_nothing_that_looks_like_one_and_the_next_removes_the_rest(
    path: Path, store: SqlStore, target: Path, when: str
) -> None:
    enlarge(path, 12)
    step = "lambda *_: os._exit(9)" if when == "while it is copied" else "lambda *_: None"
    killed = f"""
        from pathlib import Path
        from stockhook_plugins.stores.sqlalchemy import backup
        backup._name = lambda *_: os._exit(9)
        store.open()
        store.backup(Path({str(target)!r}), {step})
    """
    run(path, killed, expect=9)
    [left] = target.parent.iterdir()
    assert left.name.startswith(".copy.db.")
    assert left.name.endswith(".stockhook-partial")
    (theirs := target.with_name(".theirs.partial")).write_bytes(b"")
    store.backup(target)
    assert sorted(file.name for file in target.parent.iterdir()) == [theirs.name, "copy.db"]


def test_a_backup_leaves_the_one_beside_it_alone(path: Path, store: SqlStore, target: Path) -> None:
    enlarge(path, 8)
    second = target.with_name("second.db")
    at_once = [second]

    def another(_: int, __: int) -> None:
        if at_once:
            store.backup(at_once.pop())

    store.backup(target, another)
    assert sorted(file.name for file in target.parent.iterdir()) == ["copy.db", "second.db"]
    assert raw(target, "PRAGMA integrity_check") == raw(second, "PRAGMA integrity_check") == [("ok",)]
